# shellcheck shell=bash
# What the benchmark scripts share: programs run in turn, medians, the table and the same as JSON.  It
# refuses to know what is measured.  Read bench/run, which begins with it, next.
#
# Before: build, the folder of the tree's programs, and rounds, how often each pair is run.  After:
# vmm, tools and work, a folder that goes at the end.
# shellcheck disable=SC2034 # what the script that begins with this uses
: "${build:?}" "${rounds:?}"

[[ $rounds =~ ^[1-9][0-9]*$ ]] || { echo "bench: ROUNDS=$rounds: a number from 1 on" >&2; exit 2; }
[ -w /dev/kvm ] || { echo 'bench: no usable /dev/kvm, so there is nothing to measure' >&2; exit 1; }
vmm=$build/vmm
tools=$build/bench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'echo "bench: failed at line $LINENO: $BASH_COMMAND" >&2' ERR

# --- arithmetic and the two outputs -------------------------------------------------------------

median() { # numbers, a line each, on standard input
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

calculate() { # an awk expression, FORMAT
	awk "BEGIN { printf \"${2:-%.3f}\", $1 }"
}

pick() { # NAME FILE...: the values of NAME=VALUE lines
	sed -n "s/^$1=//p" "${@:2}"
}

summary_field() { # OBJECT NAME FILE: a number out of vmm's JSON summary
	sed -n "s/.*\"$1\":{[^{]*\"$2\":\([0-9]*\).*/\1/p" "$3"
}

missed=0
unmeasured=0
json=
heading() { # TEXT VMM BESIDE
	printf '\n%-40s %13s %13s %9s %9s\n' "$1" "$2" "$3" value budget
}

# One figure.  VALUE is what BUDGET limits; '-' stands for what there is not.
figure() { # KEY TEXT VMM BESIDE VALUE BUDGET
	local key=$1 verdict='' met=null number fields='' name
	if [[ $5 != - && $6 != - ]]; then
		if [ "$(calculate "$5 <= $6" %d)" = 1 ]; then
			verdict=met met=true
		else
			verdict=MISSED met=false missed=$((missed + 1))
		fi
	elif [ "$6" != - ]; then
		verdict='not measured' unmeasured=$((unmeasured + 1))
	fi
	printf '  %-38s %13s %13s %9s %9s  %s\n' "$2" "$3" "$4" "$5" "$6" "$verdict"
	for name in vmm beside value budget; do
		shift
		number=$2
		[ "$number" != - ] || number=null
		fields+=",\"$name\":$number"
	done
	json+="${json:+,}
  {\"name\":\"$key\"$fields,\"met\":$met}"
}

# Both in turn, so that what disturbs the machine disturbs both.
in_turn() { # NAME-A NAME-B COMMAND-A... -- COMMAND-B...
	local a=$1 b=$2 first=() i
	shift 2
	while [ "$1" != -- ]; do
		first+=("$1")
		shift
	done
	shift
	for ((i = 0; i < rounds; i++)); do
		"${first[@]}" >"$work/$a.$i"
		"$@" >"$work/$b.$i"
	done
}

compare_field() { # KEY TEXT FIELD NAME-A NAME-B BUDGET: A is vmm
	local a b
	a=$(pick "$3" "$work/$4".* | median)
	b=$(pick "$3" "$work/$5".* | median)
	figure "$1" "$2" "$a" "$b" "$(calculate "$a / $b")" "$6"
}

has_option() { # --NAME
	"$vmm" --help | grep -e "$1\b" >/dev/null # not -q: vmm would meet a closed pipe
}

# --- begin and end ------------------------------------------------------------------------------

say_host() {
	host=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
	backend=$(find /sys/module -maxdepth 1 -name 'kvm_*' -printf '%f ' 2>/dev/null)
	began=$SECONDS
	echo "$host, $(nproc) CPUs, ${backend:-kvm built in }under Linux $(uname -r)"
	echo "$rounds rounds in turn, medians; load average $(cut -d ' ' -f 1-3 /proc/loadavg)"
}

write_figures() { # FILE
	cat >"$1" <<-END
		{"host":"$host","backend":"${backend% }","kernel":"$(uname -r)","rounds":$rounds,
		 "figures":[$json
		 ]}
	END
	printf '\n%s, %s in %d s; figures also in %s\n' "budgets: $missed MISSED" \
		"$unmeasured not measured" $((SECONDS - began)) "$1"
}

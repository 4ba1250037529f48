#!/usr/bin/env python3
"""Counts a report's numbers again, from the CSV export alone, and compares.

    recount.py REPORT.json FAULTS.csv

It shares no code with the report: sets, dictionaries and sorted lists over the whole file.
Prints each difference; exit status 0: none, 1: some, 2: usage.  Functions and lines are asked
of addr2line (binutils), and left out, with a note, where it is not there or where the program is
position-independent.
"""
import collections
import csv
import json
import os
import shutil
import subprocess
import sys

SLICES, WINDOW = 100, 10
wrong = 0


def same(what, report, counted):
    global wrong
    if report != counted:
        wrong += 1
        print(f"{what}: the report says {report}, counted are {counted}")


def near(what, report, counted):
    """Histograms keep 32 buckets for each power of two."""
    if abs(report - counted) > counted / 32 + 1:
        same(what, report, counted)


class Share:
    def __init__(self):
        self.faults = self.minor = self.major = self.service = 0

    def add(self, row):
        self.faults += 1
        self.minor += row["class"] == "minor"
        self.major += row["class"] == "major"
        self.service += row["service_ns"]

    def values(self):
        return [self.faults, self.minor, self.major, self.service]


def share_of(item):
    return [item[key] for key in ("faults", "minor", "major", "service_ns")]


def group(rows, key):
    shares = collections.defaultdict(Share)
    for row in rows:
        shares[key(row)].add(row)
    return {name: share.values() for name, share in shares.items()}


def read(path):
    rows = list(csv.DictReader(open(path, newline="", encoding="utf-8", errors="replace")))
    for row in rows:
        for key in ("time_ns", "service_ns", "process", "level", "pages"):
            row[key] = int(row[key])
        for key in ("address", "rip"):
            row[key] = int(row[key], 16)
        row["page"] = (row["process"], row["address"] >> 12)
    return rows


def rank(values, per_mille):
    values = sorted(values)
    return values[max(-(-len(values) * per_mille // 1000), 1) - 1]


def compare_totals(report, rows):
    faults = report["faults"]
    same("total", faults["total"], len(rows))
    same("pages", faults["pages"], sum(row["pages"] for row in rows))
    for name in ("minor", "major"):
        same(name, faults[name], sum(row["class"] == name for row in rows))
    same("host", faults["host"], sum(row["ring"] == "host" for row in rows))
    kinds = collections.defaultdict(list)
    for row in rows:
        kinds[row["kind"]].append(row)
    same("kinds", sorted(faults["kinds"]), sorted(kinds))
    for name, of_kind in kinds.items():
        said = faults["kinds"][name]
        same(name, said["faults"], len(of_kind))
        same(f"{name} pages", said["pages"], sum(row["pages"] for row in of_kind))
        times = [row["service_ns"] for row in of_kind]
        near(f"{name} median", said["median_ns"], rank(times, 500))
        near(f"{name} 99th %", said["p99_ns"], rank(times, 990))


def compare_groups(report, rows):
    inside = [row for row in rows if row["region"] != ""]
    said = {(r["process"], r["id"]): share_of(r) for r in report["regions"] if r["faults"]}
    same("regions", said, group(inside, lambda row: (row["process"], int(row["region"]))))
    outside = Share()
    for row in rows:
        if row["region"] == "":
            outside.add(row)
    same("no region", share_of(report["no_region"]), outside.values())
    said = {p["name"]: share_of(p) for p in report["phases"] if p["faults"]}
    same("phases", said, group(rows, lambda row: row["phase"] or "(start)"))
    said = {int(s["rip"], 16): share_of(s) for s in report["sites"]}
    same("sites", said, group(rows, lambda row: row["rip"]))


def compare_pages(report, rows):
    pages = collections.Counter(row["page"] for row in rows)
    same("distinct pages", report["distinct_pages"], len(pages))
    hot = sorted(pages.items(), key=lambda item: (-item[1], item[0]))[:20]
    said = [(p["process"], int(p["address"], 16) >> 12, p["faults"]) for p in report["hottest_pages"]]
    same("hottest pages", said, [(page[0], page[1], count) for page, count in hot])
    mask = (1 << 36) - 1
    leaves = {(row["page"][0], (row["page"][1] & mask) >> 9 * (row["level"] - 1), row["level"])
              for row in rows if row["pages"]}
    for at in report["page_tables"]:
        level = at["level"]
        entries = {(process, number >> 9 * (level - of)) for process, number, of in leaves
                   if of <= level}
        fill = collections.Counter((process, number >> 9) for process, number in entries)
        same(f"tables of level {level}", at["tables"], len(fill))
        same(f"entries of level {level}", at["entries"], len(entries))
        bounds = [(0, 8), (8, 64), (64, 256), (256, 512)]
        same(f"fill of level {level}", at["tables_by_fill"],
             [sum(low < count <= high for count in fill.values()) for low, high in bounds])


def compare_time(report, rows):
    time = report["time"]
    width = report["session"]["duration_ns"] // SLICES + 1
    same("slice", time["slice_ns"], width)
    slices = [[] for _ in range(SLICES)]
    for row in rows:
        slices[row["time_ns"] // width].append(row)
    for kind, said in time["faults"].items():
        same(f"{kind} over time", said, [sum(r["kind"] == kind for r in s) for s in slices])
    touched = [{row["page"] for row in s} for s in slices]
    same("pages over time", time["pages"], [len(s) for s in touched])
    same("window over time", time["window_pages"],
         [len(set().union(*touched[max(0, i - WINDOW + 1):i + 1])) for i in range(SLICES)])
    seen, fresh = set(), []
    for pages in touched:
        fresh.append(len(pages - seen))
        seen |= pages
    same("new pages over time", time["new_pages"], fresh)
    same("mapped over time", time["mapped_pages"], [sum(r["pages"] for r in s) for s in slices])
    same("evicted over time", time["evicted_frames"],
         [sum(r["evicted"] != "" for r in s) for s in slices])


def compare_service(report, rows):
    times = [row["service_ns"] for row in rows]
    for name, per_mille in (("median_ns", 500), ("p90_ns", 900), ("p99_ns", 990), ("p999_ns", 999)):
        near(name, report["service"][name], rank(times, per_mille))
    buckets = collections.Counter(0 if t < 128 else 1 << t.bit_length() - 1 for t in times)
    said = {b["from_ns"]: b["faults"] for b in report["service"]["histogram"]}
    same("service times", said, dict(buckets))


def compare_source(report, rows):
    program = report["session"]["program"]
    tool = shutil.which("addr2line")
    with open(program, "rb") as elf:
        fixed = elf.read(18)[16] == 2  # ET_EXEC
    if not tool or not fixed or not report["lines"]:
        print("note: functions and lines were not counted again")
        return
    sites = sorted({row["rip"] for row in rows})
    out = subprocess.run([tool, "-f", "-i", "-a", "-e", program], text=True, check=True,
                         input="".join(f"{rip:#x}\n" for rip in sites), capture_output=True).stdout
    places, lines = {}, out.splitlines()
    for i, line in enumerate(lines):
        if line.startswith("0x"):
            file, number = lines[i + 2].split(" (")[0].rsplit(":", 1)
            known = lines[i + 1] != "??"
            name = lines[i + 1] if known else f"{int(line, 16):#x}"
            known_line = number not in ("?", "0")
            places[int(line, 16)] = (name, os.path.basename(file) if known_line else "",
                                     int(number) if known_line else 0)
    # Where only symbols are known, the tools choose differently among several names of an address.
    by_line = {place[0] for place in places.values() if place[2]}
    said = {f["function"]: share_of(f) for f in report["functions"] if f["function"] in by_line}
    counted = group(rows, lambda row: places[row["rip"]][0])
    same("functions", said, {name: counted[name] for name in by_line})
    said = {(f["function"], f["file"], f["line"]): share_of(f) for f in report["lines"] if f["line"]}
    counted = group(rows, lambda row: places[row["rip"]])
    same("lines", said, {place: counted[place] for place in counted if place[2]})


def main():
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    report, rows = json.load(open(sys.argv[1], encoding="utf-8")), read(sys.argv[2])
    for compare in (compare_totals, compare_groups, compare_pages, compare_time, compare_service,
                    compare_source):
        compare(report, rows)
    print(f"{len(rows)} faults, {wrong} differences")
    return 1 if wrong or not rows else 0


sys.exit(main())

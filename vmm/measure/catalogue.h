/*
 * The list of experiments, in the order in which they run: later ones use what earlier ones
 * found.  A new experiment is a row here and a file under vmm/measure/experiment.
 */
#ifndef MEASURE_CATALOGUE_H
#define MEASURE_CATALOGUE_H

#include "measure/lab.h"

struct experiment {
    const char *name;
    const char *question;
    const char *needs; /* borrows; another one whose findings it uses, run before it, or NULL */
    double seconds[2]; /* what it is expected to take: in full, with --quick */
    /* False with ERR_ENVIRONMENT: it could not run here.  What it could not decide is in the
     * result, as undecided figures. */
    bool (*run)(struct lab *lab, struct result *result, struct err *err);
};

extern const struct experiment catalogue[];
extern const size_t catalogue_count;

/* NULL: there is none of that name. */
const struct experiment *catalogue_find(const char *name);

/* Experiment functions, a file each. */
bool experiment_clock(struct lab *lab, struct result *result, struct err *err);
bool experiment_paging(struct lab *lab, struct result *result, struct err *err);
bool experiment_pagesize(struct lab *lab, struct result *result, struct err *err);
bool experiment_waypred(struct lab *lab, struct result *result, struct err *err);
bool experiment_tlb(struct lab *lab, struct result *result, struct err *err);
bool experiment_itlb(struct lab *lab, struct result *result, struct err *err);
bool experiment_ways(struct lab *lab, struct result *result, struct err *err);
bool experiment_pwc(struct lab *lab, struct result *result, struct err *err);
bool experiment_walk(struct lab *lab, struct result *result, struct err *err);
bool experiment_coalesce(struct lab *lab, struct result *result, struct err *err);
bool experiment_flush(struct lab *lab, struct result *result, struct err *err);
bool experiment_fault(struct lab *lab, struct result *result, struct err *err);
bool experiment_nested(struct lab *lab, struct result *result, struct err *err);

#endif

/* ctl_export.h: everything held about one person, gathered from the daemon, and told to them in plain sentences. */
#ifndef CTL_EXPORT_H
#define CTL_EXPORT_H

#include "ctl.h"

/* All pages of Reveal of one case, appended to the array. ask: who and why. CTL_OK, or after telling. */
int ctl_reveal_all(const struct ctl *ctl, struct ctl_talk *talk, const char *code, const struct rfl_ask *ask,
                   json_t *parts, bool *erased);

/* Prints what ctl_subject_export gathered as Markdown that a lay person can read. */
void ctl_export_print(const json_t *document, FILE *out);

#endif

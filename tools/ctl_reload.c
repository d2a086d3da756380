/* The policy while running: load it, go back to an older one, list what was in force. */
#include <stdio.h>

#include "ctl.h"
#include "rfl_json.h"

enum { DIGITS_SHOWN = 12 };

static struct rfl_view shortened(struct rfl_view digest)
{
    digest.len = digest.len < DIGITS_SHOWN ? digest.len : DIGITS_SHOWN;
    return digest;
}

static void print_findings(const struct rfl_msg_policy_loaded *loaded)
{
    for (uint32_t i = 0; i < loaded->findings_count; i++) {
        const struct rfl_policy_finding_row *row = &loaded->findings[i];
        ctl_put_view(stdout, row->file);
        if (row->line > 0)
            printf(":%u", (unsigned)row->line);
        if (row->file.len > 0)
            fputs(": ", stdout);
        ctl_put_view(stdout, row->key);
        if (row->key.len > 0)
            fputs(": ", stdout);
        ctl_put_view(stdout, row->rule);
        fputs("\n  do: ", stdout);
        ctl_put_view(stdout, row->remedy);
        putchar('\n');
    }
}

static void print_loaded(const struct rfl_msg_policy_loaded *loaded)
{
    const char *what = loaded->taken ? loaded->dry_run ? "dry run, nothing was changed; it could be in force: "
                                                       : "in force: "
                       : loaded->dry_run ? "dry run; it would be refused: "
                                         : "refused: ";
    fputs(what, stdout);
    ctl_put_view(stdout, shortened(loaded->before));
    fputs(" -> ", stdout);
    if (loaded->after.len > 0)
        ctl_put_view(stdout, shortened(loaded->after));
    else
        fputs("(not readable)", stdout);
    if (ctl_view_same(loaded->before, loaded->after))
        fputs("  the same policy", stdout);
    if (loaded->pinned && loaded->taken && !loaded->dry_run)
        fputs("  pinned: it stays through restarts, until referralctl policy load", stdout);
    putchar('\n');
    if (!loaded->taken && !loaded->dry_run)
        puts("the policy before is still in force");
    print_findings(loaded);
}

static int ask_load(const struct ctl *ctl, struct rfl_ask *ask)
{
    struct ctl_talk talk;
    struct rfl_reply reply;
    int exit_code = ctl_act_begin(ctl, ask);
    if (exit_code != CTL_OK)
        return exit_code;
    ask->kind = RFL_MSG_POLICY_LOAD;
    ask->force = ctl->force;
    exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    if (exit_code == CTL_OK)
        exit_code = ctl_ask(ctl, &talk, ask, RFL_MSG_POLICY_LOADED, &reply);
    if (exit_code == CTL_OK && ctl->json)
        exit_code = ctl_print_json(&reply);
    else if (exit_code == CTL_OK)
        print_loaded(&reply.policy_loaded);
    if (exit_code == CTL_OK && !reply.policy_loaded.taken)
        exit_code = CTL_FINDINGS;
    ctl_talk_close(&talk);
    return exit_code;
}

int ctl_policy_load(const struct ctl *ctl)
{
    struct rfl_ask ask = { .kind = RFL_MSG_POLICY_LOAD };
    return ask_load(ctl, &ask);
}

int ctl_policy_rollback(const struct ctl *ctl)
{
    struct rfl_ask ask = { .digest = rfl_view_of(ctl->argc == 1 ? ctl->argv[0] : "previous") };
    return ask_load(ctl, &ask);
}

static int show_policies(const struct ctl *ctl, const struct rfl_reply *reply)
{
    const struct rfl_msg_policies *policies = &reply->policies;
    struct ctl_table table;
    (void)ctl;
    ctl_table_init(&table, "POLICY SINCE BY NOW KEPT WHY");
    for (uint32_t i = 0; i < policies->rows_count; i++) {
        const struct rfl_policy_row *row = &policies->rows[i];
        ctl_cell_view(&table, shortened(row->digest));
        ctl_cell_time(&table, row->since_ms);
        ctl_cell_view(&table, row->by);
        ctl_cell(&table, row->pinned ? "in force, pinned" : row->in_force ? "in force" : "–");
        ctl_cell(&table, row->kept ? "yes" : "no");
        ctl_cell_view(&table, row->why);
    }
    ctl_table_print(&table, stdout);
    if (policies->truncated)
        puts("(older ones are left out)");
    return CTL_OK;
}

int ctl_policy_list(const struct ctl *ctl)
{
    struct rfl_ask ask = { .kind = RFL_MSG_POLICY_LIST };
    return ctl_ask_once(ctl, ctl->admin, &ask, RFL_MSG_POLICIES, show_policies);
}

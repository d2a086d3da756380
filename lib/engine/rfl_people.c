/* One person, one open case: who a referral speaks of, by its match keys. */
#include "rfl_engine_int.h"

enum { REFERRALS_LOOKED_AT_MAX = 256, LINKS_MAX = 8, EPISODES_MAX = 8 };

void rfl__match_of(const struct rfl_engine *e, const struct rfl_form *form, struct rfl_hash match[RFL_MATCH_COUNT])
{
    struct rfl_match_texts texts;
    rfl_match_texts_of(form, e->options.test_people, e->now.wall_ms, &texts);
    for (unsigned i = 0; i < RFL_MATCH_COUNT; i++) {
        match[i] = (struct rfl_hash){ { 0 } };
        if (texts.len[i] > 0)
            match[i] = rfl_store_hash(e->store, (enum rfl_hash_domain)(RFL_HASH_NHS_NUMBER + i), 0,
                                      (struct rfl_view){ texts.text[i], texts.len[i] });
    }
}

bool rfl__survivor(struct rfl_engine *e, struct rfl_case_id id, struct rfl_case *out)
{
    bool found = rfl_store_case(e->store, id, out) == RFL_E_OK;
    for (unsigned i = 0; found && out->linked_to.v != 0 && i < LINKS_MAX; i++)
        found = rfl_store_case(e->store, out->linked_to, out) == RFL_E_OK;
    return found;
}

/* A case speaks through all its referrals: of each kind the key that is the same, else one that differs. A referral
 * entered in error says nothing about the person. */
static enum rfl_match_verdict judge_case(struct rfl_engine *e, const struct rfl_hash mine[RFL_MATCH_COUNT],
                                         const struct rfl_case *kase)
{
    struct rfl_hash theirs[RFL_MATCH_COUNT];
    struct rfl_referral referral = { .prev_on_case = kase->last_referral };
    memset(theirs, 0, sizeof theirs);
    for (unsigned i = 0; i < REFERRALS_LOOKED_AT_MAX && referral.prev_on_case.v != 0; i++) {
        if (rfl_store_referral(e->store, referral.prev_on_case, &referral) != RFL_E_OK)
            break;
        for (unsigned k = 0; referral.withdrawn != RFL_WITHDRAW_ENTERED_IN_ERROR && k < RFL_MATCH_COUNT; k++)
            if (rfl_hash_none(theirs[k]) || rfl_hash_same(referral.match[k], mine[k]))
                theirs[k] = referral.match[k];
    }
    return rfl_match_judge(mine, theirs);
}

static void take(struct rfl_engine *e, const struct rfl_hash mine[RFL_MATCH_COUNT], const struct rfl_referral *found,
                 struct rfl__person *out)
{
    struct rfl_case itself, survivor;
    if (rfl_store_case(e->store, found->kase, &itself) != RFL_E_OK || !rfl__survivor(e, found->kase, &survivor) ||
        survivor.erased)            /* what rested on an erased case finds nobody by it */
        return;
    enum rfl_match_verdict verdict = judge_case(e, mine, &itself);
    bool open = survivor.status != RFL_STATUS_CLOSED;
    if (verdict == RFL_MATCH_SAME && open && out->open.id.v == 0)
        out->open = survivor;
    else if (verdict == RFL_MATCH_SAME && !open && survivor.id.v > out->previous.v)
        out->previous = survivor.id;
    else if (verdict == RFL_MATCH_RESEMBLES && open && out->resembles.v == 0)
        out->resembles = survivor.id;
}

/* The longest quiet that any of the last episodes asked for. */
static int64_t quiet_until(struct rfl_engine *e, struct rfl_case_id id)
{
    struct rfl_case kase;
    int64_t until_ms = 0;
    for (unsigned i = 0; id.v != 0 && i < EPISODES_MAX; i++, id = kase.previous) {
        if (rfl_store_case(e->store, id, &kase) != RFL_E_OK || kase.erased)
            break;
        if (kase.quiet_until_ms > until_ms)
            until_ms = kase.quiet_until_ms;
    }
    return until_ms;
}

void rfl__person_of(struct rfl_engine *e, const struct rfl_hash match[RFL_MATCH_COUNT], struct rfl__person *out)
{
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < RFL_MATCH_COUNT; i++) {
        struct rfl_referral found;
        if (!rfl_hash_none(match[i]) && rfl_store_find_match(e->store, match[i], &found))
            take(e, match, &found, out);
    }
    out->quiet_until_ms = quiet_until(e, out->open.id.v != 0 ? out->open.previous : out->previous);
}

/* ---- all cases of a person ---- */

static void add_case(struct rfl__subject *subject, struct rfl_case_id id)
{
    for (uint32_t i = 0; i < subject->count; i++)
        if (subject->list[i].v == id.v)
            return;
    subject->over = subject->over || (id.v != 0 && subject->count == RFL__SUBJECT_CASES_MAX);
    if (id.v != 0 && !subject->over)
        subject->list[subject->count++] = id;
}

/* The cases of whoever has these keys, along the referrals that share one of them. */
static void add_by_keys(struct rfl_engine *e, const struct rfl_hash match[RFL_MATCH_COUNT],
                        struct rfl__subject *subject)
{
    for (unsigned k = 0; k < RFL_MATCH_COUNT; k++) {
        struct rfl_referral found;
        struct rfl_case kase;
        bool more = !rfl_hash_none(match[k]) && rfl_store_find_match(e->store, match[k], &found);
        for (unsigned i = 0; more && i < REFERRALS_LOOKED_AT_MAX; i++) {
            if (rfl_store_case(e->store, found.kase, &kase) == RFL_E_OK &&
                judge_case(e, match, &kase) == RFL_MATCH_SAME)
                add_case(subject, kase.id);
            more = rfl_store_referral(e->store, found.prev_of_match[k], &found) == RFL_E_OK;
        }
        subject->over = subject->over || more;
    }
}

/* What follows from one of them: what it rests on and what rests on it, the episode before, whoever has its keys. */
static void add_related(struct rfl_engine *e, const struct rfl_case *kase, struct rfl__subject *subject)
{
    struct rfl_order from = { kase->id.v, 0, 0 }, at;
    struct rfl_referral referral = { .prev_on_case = kase->last_referral };
    add_case(subject, kase->linked_to);
    add_case(subject, kase->previous);
    for (; !subject->over && rfl_store_first(e->store, RFL_INDEX_LINKED, &from, &at) && at.a == from.a; from.c++) {
        add_case(subject, (struct rfl_case_id){ at.c });
        from = at;
    }
    for (unsigned i = 0; i < REFERRALS_LOOKED_AT_MAX && referral.prev_on_case.v != 0; i++) {
        if (rfl_store_referral(e->store, referral.prev_on_case, &referral) != RFL_E_OK)
            break;
        if (referral.withdrawn != RFL_WITHDRAW_ENTERED_IN_ERROR)        /* which may be of somebody else */
            add_by_keys(e, referral.match, subject);
    }
}

static void complete(struct rfl_engine *e, struct rfl__subject *subject)
{
    for (uint32_t i = 0; i < subject->count && !subject->over; i++) {
        struct rfl_case kase;
        if (rfl_store_case(e->store, subject->list[i], &kase) == RFL_E_OK)
            add_related(e, &kase, subject);
    }
}

void rfl__subject_of(struct rfl_engine *e, struct rfl_case_id id, struct rfl__subject *out)
{
    *out = (struct rfl__subject){ .count = 0 };
    add_case(out, id);
    complete(e, out);
}

void rfl__subject_by_keys(struct rfl_engine *e, const struct rfl_hash match[RFL_MATCH_COUNT],
                          struct rfl__subject *out)
{
    *out = (struct rfl__subject){ .count = 0 };
    add_by_keys(e, match, out);
    complete(e, out);
}

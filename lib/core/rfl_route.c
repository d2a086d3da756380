#include "rfl_route.h"

#include "rfl_lineage.h"
#include "rfl_route_int.h"
#include "rfl_wordlist.h"

RFL_WORD_BODIES(ROUTE_REASON, route_reason, RFL_ROUTE_REASON_LIST)
RFL_WORD_BODIES(HOW, how, RFL_HOW_LIST)

const char *rfl_verdict_word(enum rfl_verdict verdict)
{
    static const char *const words[] = { RFL_VERDICT_LIST(RFL_WORD_TEXT) };
    static_assert(sizeof words / sizeof words[0] == RFL_ROUTE_COUNT, "a word for each verdict");
    return (unsigned)verdict < RFL_ROUTE_COUNT ? words[verdict] : "unknown";
}

/* The area that has this clue's part at at_ms: each step is to whoever took it over, in the order of time, so that a
 * part that went there and back comes to rest. NULL: nobody follows, or the sub-ICB does not decide. */
static const struct rfl_area *follow_all(const struct rfl_policy *policy, const struct rfl_area *area,
                                         const struct rfl_clue *clue, int64_t at_ms, enum rfl_how *how)
{
    const struct rfl_successor *successor;
    int64_t after_ms = INT64_MIN;
    while (area != NULL &&
           (successor = rfl_lineage_successor(policy, area, clue->sub_icb, after_ms, at_ms)) != NULL) {
        if (successor->sub_count != 0)
            *how = RFL_HOW_SPLIT;
        else if (*how != RFL_HOW_SPLIT)
            *how = RFL_HOW_SUCCEEDED;
        area = rfl_policy_area(policy, successor->to);
        after_ms = successor->from_ms;
    }
    if (area != NULL && rfl_area_alive(area, at_ms))
        return area;
    *how = area != NULL && area->successor_count == 0 ? RFL_HOW_ENDED : RFL_HOW_UNDECIDED;
    return NULL;
}

static size_t code_len(const char code[RFL_CODE_BYTES])
{
    size_t n = 0;
    while (n < RFL_CODE_BYTES && code[n] != '\0')
        n++;
    return n;
}

static enum rfl_how resolve(const struct rfl_policy *policy, const struct rfl_clue *clue, int64_t at_ms,
                            struct rfl_route_step *step)
{
    static const uint8_t how_of[RFL_CODE_STAND_COUNT] = { [RFL_CODE_STAND_UNKNOWN] = RFL_HOW_UNKNOWN_CODE,
        [RFL_CODE_STAND_IN_FORCE] = RFL_HOW_CODE, [RFL_CODE_STAND_OLD] = RFL_HOW_OLD_CODE,
        [RFL_CODE_STAND_EARLY] = RFL_HOW_EARLY_CODE };
    enum rfl_code_stand stand;
    if (clue->grade == RFL_GRADE_ABSENT)
        return RFL_HOW_NONE;
    if (clue->grade != RFL_GRADE_OK)
        return RFL_HOW_UNUSABLE;
    struct rfl_view code = { (const uint8_t *)clue->icb, code_len(clue->icb) };
    if (code.len == 0)
        return RFL_HOW_NO_CODE;
    const struct rfl_area *area = rfl_policy_area_by_code(policy, code, at_ms, &stand);
    enum rfl_how how = (enum rfl_how)how_of[stand];
    if (area == NULL)
        return how;
    step->named = area->id;
    area = follow_all(policy, area, clue, at_ms, &how);
    if (area == NULL)
        return how;
    step->area = area->id;
    return area->accepts == 0 || (area->accepts >> step->key & 1) != 0 ? how : RFL_HOW_NOT_ACCEPTED;
}

static void fill_step(const struct rfl_policy *policy, const struct rfl_facts *facts, enum rfl_key key, int64_t at_ms,
                      struct rfl_route_step *step)
{
    const struct rfl_clue *clue = &facts->clue[key];
    step->key = (uint8_t)key;
    step->grade = clue->grade;
    step->line = clue->line;
    step->edition = clue->edition;
    step->how = (uint8_t)resolve(policy, clue, at_ms, step);
    if ((clue->flags & RFL_CLUE_TERMINATED) != 0)
        step->flags |= RFL_STEP_TERMINATED;
    if ((clue->flags & RFL_CLUE_LARGE_USER) != 0)
        step->flags |= RFL_STEP_LARGE_USER;
    if ((clue->flags & RFL_CLUE_CLOSED_PRACTICE) != 0)
        step->flags |= RFL_STEP_CLOSED_PRACTICE;
    /* Found in a directory: whether or not these facts still have the line, which the log's clear part has not. */
    if (key == RFL_KEY_POSTCODE && clue->edition != 0 && (clue->grade == RFL_GRADE_OK ||
                                                          clue->grade == RFL_GRADE_OUTSIDE))
        step->flags |= RFL_STEP_LINE_PERSONAL;
}

/* An organisation's mail address says least of all where a person lives. */
static unsigned strength_of(const struct rfl_policy *policy, const struct rfl_route_step *step)
{
    const struct rfl_area *area = rfl_policy_area(policy, step->area);
    const uint8_t *order = area != NULL && area->precedence[0] < RFL_KEY_COUNT ? area->precedence : policy->precedence;
    unsigned at = 0;
    if (step->key == RFL_KEY_POSTCODE && (step->flags & RFL_STEP_LARGE_USER) != 0)
        return RFL_KEY_COUNT;
    while (at < RFL_KEY_COUNT && order[at] != step->key)
        at++;
    return at;
}

/* Strongest first, equals in the policy's order. */
static void order_keys(const struct rfl_policy *policy, const struct rfl_route_step by_key[RFL_KEY_COUNT],
                       uint8_t order[RFL_KEY_COUNT])
{
    unsigned strength[RFL_KEY_COUNT];
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++) {
        uint8_t key = policy->precedence[i];
        unsigned own = strength_of(policy, &by_key[key]), at = i;
        for (; at > 0 && strength[at - 1] > own; at--) {
            strength[at] = strength[at - 1];
            order[at] = order[at - 1];
        }
        strength[at] = own;
        order[at] = key;
    }
}

static bool usable(const struct rfl_route_step *step) { return step->area.v != 0 && step->how != RFL_HOW_NOT_ACCEPTED; }

/* A border patient of an English practice belongs to the practice's area; anyone else who lives outside England is
 * helped on by a person, even when an English Jobcentre or referrer sent them. An organisation's mail address is not
 * where they live. */
static bool home_is_outside(const struct rfl_facts *facts, const struct rfl_route_step by_key[RFL_KEY_COUNT])
{
    const struct rfl_route_step *practice = &by_key[RFL_KEY_GP_PRACTICE];
    const struct rfl_clue *home = &facts->clue[RFL_KEY_POSTCODE];
    return home->grade == RFL_GRADE_OUTSIDE && (home->flags & RFL_CLUE_LARGE_USER) == 0 && practice->area.v == 0 &&
           practice->how != RFL_HOW_UNDECIDED;
}

static enum rfl_route_reason why_nowhere(const struct rfl_route_step step[RFL_KEY_COUNT])
{
    bool undecided = false, outside = false, supplied = false;
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++) {
        undecided = undecided || step[i].how == RFL_HOW_UNDECIDED;
        outside = outside || step[i].grade == RFL_GRADE_OUTSIDE;
        supplied = supplied || step[i].how != RFL_HOW_NONE;
    }
    if (undecided)
        return RFL_ROUTE_REASON_AREA_SPLIT_UNDECIDED;
    if (outside)
        return RFL_ROUTE_REASON_OUTSIDE_ENGLAND;
    return supplied ? RFL_ROUTE_REASON_ALL_KEYS_UNUSABLE : RFL_ROUTE_REASON_NO_KEY;
}

static void to_national_triage(const struct rfl_policy *policy, enum rfl_route_reason reason, struct rfl_decision *out)
{
    out->verdict = RFL_ROUTE_TRIAGE;
    out->reason = (uint8_t)reason;
    out->queue = policy->national_triage;
}

void rfl_route_watched(const struct rfl_policy *policy, const struct rfl_facts *facts, int64_t at_ms,
                       const struct rfl_watch *watch, struct rfl_decision *out)
{
    struct rfl_route_step by_key[RFL_KEY_COUNT];
    struct rfl_route_step *chosen = NULL;
    uint8_t order[RFL_KEY_COUNT];
    assert(policy->compiled);
    memset(out, 0, sizeof *out);
    memset(by_key, 0, sizeof by_key);
    out->key = RFL_KEY_COUNT;
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        fill_step(policy, facts, (enum rfl_key)i, at_ms, &by_key[i]);
    order_keys(policy, by_key, order);
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++) {
        memcpy(&out->step[i], &by_key[order[i]], sizeof out->step[i]);
        if (!usable(&out->step[i]))
            continue;
        if (chosen == NULL)
            chosen = &out->step[i];
        out->conflict = out->conflict || out->step[i].area.v != chosen->area.v;
    }
    if (home_is_outside(facts, by_key)) {
        to_national_triage(policy, RFL_ROUTE_REASON_OUTSIDE_ENGLAND, out);
    } else if (chosen == NULL) {
        to_national_triage(policy, why_nowhere(out->step), out);
    } else {
        struct rfl_profile profile;
        chosen->flags |= RFL_STEP_CHOSEN;
        rfl_profile_of(policy, facts, chosen->area, (enum rfl_key)chosen->key, &profile);
        rfl__route_in_area(policy, &(struct rfl__in_area){ rfl_policy_area(policy, chosen->area), &profile, at_ms,
                                                           facts->full, facts->full_count, watch }, out);
    }
}

void rfl_route(const struct rfl_policy *policy, const struct rfl_facts *facts, int64_t at_ms, struct rfl_decision *out)
{
    rfl_route_watched(policy, facts, at_ms, NULL, out);
}

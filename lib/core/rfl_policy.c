#include "rfl_policy.h"

#include "rfl_lineage.h"
#include "rfl_policy_index.h"
#include "rfl_wordlist.h"

RFL_WORD_BODIES(QUEUE_KIND, queue_kind, RFL_QUEUE_KIND_LIST)
RFL_WORD_BODIES(CODE_STAND, code_stand, RFL_CODE_STAND_LIST)

struct rfl_view rfl_policy_text(const struct rfl_policy *policy, struct rfl_text text)
{
    assert(text.at <= policy->text_count && text.len <= policy->text_count - text.at);
    return (struct rfl_view){ (const uint8_t *)policy->text + text.at, text.len };
}

static bool named(const struct rfl_policy *policy, struct rfl_text text, struct rfl_view name)
{
    return text.len == name.len && memcmp(policy->text + text.at, name.p, name.len) == 0;
}

const struct rfl_queue *rfl_policy_queue(const struct rfl_policy *policy, struct rfl_queue_no id)
{
    uint16_t at = policy->queue_at[id.v];
    return at != 0 ? &policy->queue[at - 1] : NULL;
}

const struct rfl_queue *rfl_policy_queue_by_name(const struct rfl_policy *policy, struct rfl_view name)
{
    uint32_t mask = RFL__SLOTS(policy->queue_slot) - 1, i = rfl__hash_name(name) & mask;
    for (; name.len != 0 && policy->queue_slot[i] != 0; i = (i + 1) & mask)
        if (named(policy, policy->queue[policy->queue_slot[i] - 1].name, name))
            return &policy->queue[policy->queue_slot[i] - 1];
    return NULL;
}

const struct rfl_source *rfl_policy_source(const struct rfl_policy *policy, struct rfl_source_no id)
{
    uint16_t at = policy->source_at[id.v];
    return at != 0 ? &policy->source[at - 1] : NULL;
}

const struct rfl_source *rfl_policy_source_by_name(const struct rfl_policy *policy, struct rfl_view name)
{
    uint32_t mask = RFL__SLOTS(policy->source_slot) - 1, i = rfl__hash_name(name) & mask;
    for (; name.len != 0 && policy->source_slot[i] != 0; i = (i + 1) & mask)
        if (named(policy, policy->source[policy->source_slot[i] - 1].name, name))
            return &policy->source[policy->source_slot[i] - 1];
    return NULL;
}

const struct rfl_area *rfl_policy_area(const struct rfl_policy *policy, struct rfl_area_no id)
{
    uint16_t at = policy->area_at[id.v];
    return at != 0 ? &policy->area[at - 1] : NULL;
}

const struct rfl_area *rfl_policy_area_by_name(const struct rfl_policy *policy, struct rfl_view name)
{
    uint32_t mask = RFL__SLOTS(policy->area_slot) - 1, i = rfl__hash_name(name) & mask;
    for (; name.len != 0 && policy->area_slot[i] != 0; i = (i + 1) & mask)
        if (named(policy, policy->area[policy->area_slot[i] - 1].name, name))
            return &policy->area[policy->area_slot[i] - 1];
    return NULL;
}

bool rfl_policy_source_may(const struct rfl_source *source, enum rfl_door door)
{
    return door > RFL_DOOR_NONE && door < RFL_DOOR_COUNT && (source->doors >> door & 1) != 0;
}

bool rfl_area_alive(const struct rfl_area *area, int64_t at_ms)
{
    return at_ms >= area->from_ms && at_ms < area->until_ms;
}

/* The position of the first alias with this code, or the number of aliases. */
static uint32_t alias_run(const struct rfl_policy *policy, const char code[RFL_CODE_BYTES])
{
    uint32_t mask = RFL__SLOTS(policy->code_slot) - 1, i = rfl__hash_code(code) & mask;
    for (; policy->code_slot[i] != 0; i = (i + 1) & mask)
        if (rfl__code_same(policy->alias[policy->code_slot[i] - 1].code, code))
            return policy->code_slot[i] - 1u;
    return policy->alias_count;
}

/* In force now; else the one that was in force last; else one that is to come, of an area that exists already. */
static const struct rfl_area *choose_alias(const struct rfl_policy *policy, uint32_t first, int64_t at_ms,
                                           enum rfl_code_stand *stand)
{
    const struct rfl_alias *end = policy->alias + policy->alias_count, *old = NULL;
    const struct rfl_area *early = NULL;
    for (const struct rfl_alias *a = policy->alias + first; a < end; a++) {
        const struct rfl_area *area = rfl_policy_area(policy, a->area);
        if (!rfl__code_same(a->code, policy->alias[first].code))
            break;
        if (area == NULL)
            continue;
        if (at_ms >= a->from_ms && at_ms < a->until_ms) {
            *stand = RFL_CODE_STAND_IN_FORCE;
            return area;
        }
        if (at_ms >= a->until_ms && (old == NULL || a->until_ms > old->until_ms))
            old = a;
        if (at_ms < a->from_ms && early == NULL && rfl_area_alive(area, at_ms))
            early = area;
    }
    *stand = old != NULL ? RFL_CODE_STAND_OLD : early != NULL ? RFL_CODE_STAND_EARLY : RFL_CODE_STAND_UNKNOWN;
    return old != NULL ? rfl_policy_area(policy, old->area) : early;
}

const struct rfl_area *rfl_policy_area_by_code(const struct rfl_policy *policy, struct rfl_view code, int64_t at_ms,
                                               enum rfl_code_stand *stand_out)
{
    char key[RFL_CODE_BYTES];
    enum rfl_code_stand stand = RFL_CODE_STAND_UNKNOWN;
    const struct rfl_area *area = NULL;
    assert(policy->compiled);
    if (rfl__code_from_view(code, key)) {
        uint32_t first = alias_run(policy, key);
        if (first < policy->alias_count)
            area = choose_alias(policy, first, at_ms, &stand);
    }
    if (stand_out != NULL)
        *stand_out = stand;
    return area;
}

const struct rfl_successor *rfl_policy_successor(const struct rfl_policy *policy, const struct rfl_area *area,
                                                 uint32_t index)
{
    assert(policy->compiled && index < area->successor_count);
    return &policy->successor[area->successor_first + index];
}

bool rfl_policy_successor_takes(const struct rfl_policy *policy, const struct rfl_successor *successor,
                                const char code[RFL_CODE_BYTES])
{
    if (successor->sub_count == 0)
        return true;
    for (uint32_t i = 0; code[0] != '\0' && i < successor->sub_count; i++)
        if (rfl__code_same(policy->sub_code[successor->sub_first + i], code))
            return true;
    return false;
}

const struct rfl_queue *rfl_policy_national_triage(const struct rfl_policy *policy)
{
    return rfl_policy_queue(policy, policy->national_triage);
}

const struct rfl_queue *rfl_policy_triage_of(const struct rfl_policy *policy, struct rfl_area_no id, int64_t at_ms)
{
    const struct rfl_area *area = rfl_lineage_heir(policy, id, at_ms);
    const struct rfl_queue *queue = NULL;
    if (area != NULL)
        queue = rfl_policy_queue(policy, area->triage);
    return queue != NULL ? queue : rfl_policy_national_triage(policy);
}

struct rfl_view rfl_policy_lead_name(const struct rfl_policy *policy, struct rfl_queue_no id, unsigned level)
{
    const struct rfl_queue *queue = rfl_policy_queue(policy, id), *national = rfl_policy_national_triage(policy);
    const struct rfl_area *area = queue != NULL ? rfl_policy_area(policy, queue->area) : NULL;
    const struct rfl_queue *triage = area != NULL ? rfl_policy_queue(policy, area->triage) : NULL;
    if (queue != NULL && level == 0)
        return rfl_policy_text(policy, queue->owner);
    if (queue != NULL && level == 1)
        return rfl_policy_text(policy, queue->lead);
    if (triage != NULL && level == 2)
        return rfl_policy_text(policy, triage->lead);
    return national != NULL ? rfl_policy_text(policy, national->lead) : (struct rfl_view){ NULL, 0 };
}

bool rfl_policy_consent_ok(const struct rfl_policy *policy, enum rfl_door door, enum rfl_consent consent)
{
    if (consent == RFL_CONSENT_GIVEN)
        return true;
    return consent == RFL_CONSENT_IMPLIED && door > RFL_DOOR_NONE && door < RFL_DOOR_COUNT &&
           (policy->implied_doors >> door & 1) != 0;
}

int64_t rfl_policy_clock_ms(const struct rfl_policy *policy, struct rfl_queue_no id, enum rfl_clock clock)
{
    assert((unsigned)clock < RFL_CLOCK_COUNT);
    const struct rfl_queue *queue = rfl_policy_queue(policy, id);
    if (queue != NULL && queue->clock_ms[clock] != 0)
        return queue->clock_ms[clock];
    return policy->clock_ms[clock];
}

enum rfl_err rfl_policy_due(const struct rfl_policy *policy, struct rfl_queue_no queue, enum rfl_clock clock,
                            int64_t from_ms, int64_t *due_ms)
{
    if (clock <= RFL_CLOCK_NONE || clock >= RFL_CLOCK_COUNT)
        return RFL_E_INVALID;
    return rfl_worktime_add(&policy->calendar, from_ms, rfl_policy_clock_ms(policy, queue, clock), due_ms);
}

unsigned rfl_policy_hops_max(const struct rfl_policy *policy) { return policy->hops_max; }
unsigned rfl_policy_offers_max(const struct rfl_policy *policy) { return policy->offers_max; }
unsigned rfl_policy_touches_max(const struct rfl_policy *policy) { return policy->touches_max; }
const struct rfl_calendar *rfl_policy_calendar(const struct rfl_policy *policy) { return &policy->calendar; }
struct rfl_hash rfl_policy_digest(const struct rfl_policy *policy) { return policy->digest; }

static void clue_from_area(const struct rfl_policy *policy, struct rfl_area_no id, const char sub_icb[RFL_CODE_BYTES],
                           struct rfl_clue *out)
{
    const struct rfl_area *area = rfl_policy_area(policy, id);
    out->grade = RFL_GRADE_OK;
    out->country = 'E';
    if (area != NULL)
        memcpy(out->icb, area->code, sizeof out->icb);
    memcpy(out->sub_icb, sub_icb, sizeof out->sub_icb);
}

void rfl_policy_clue_jobcentre(const struct rfl_policy *policy, struct rfl_view code, struct rfl_clue *out)
{
    char key[RFL_CODE_BYTES];
    memset(out, 0, sizeof *out);
    if (!rfl__code_from_view(code, key)) {
        out->grade = code.len == 0 ? RFL_GRADE_ABSENT : RFL_GRADE_MALFORMED;
        return;
    }
    out->grade = RFL_GRADE_UNKNOWN;
    uint32_t mask = RFL__SLOTS(policy->jobcentre_slot) - 1, i = rfl__hash_code(key) & mask;
    for (; policy->jobcentre_slot[i] != 0; i = (i + 1) & mask) {
        const struct rfl_jobcentre *office = &policy->jobcentre[policy->jobcentre_slot[i] - 1];
        if (rfl__code_same(office->code, key)) {
            clue_from_area(policy, office->area, office->sub_icb, out);
            return;
        }
    }
}

void rfl_policy_clue_referrer(const struct rfl_policy *policy, struct rfl_source_no id, struct rfl_clue *out)
{
    const struct rfl_source *source = rfl_policy_source(policy, id);
    memset(out, 0, sizeof *out);
    out->grade = RFL_GRADE_ABSENT;
    if (source != NULL && source->area.v != 0)
        clue_from_area(policy, source->area, source->sub_icb, out);
}

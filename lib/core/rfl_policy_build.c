#include "rfl_policy.h"
#include "rfl_policy_index.h"

void rfl_policy_init(struct rfl_policy *policy)
{
    memset(policy, 0, sizeof *policy);
    const enum rfl_key keys[RFL_KEY_COUNT] = { RFL_KEY_GP_PRACTICE, RFL_KEY_POSTCODE, RFL_KEY_JOBCENTRE,
                                               RFL_KEY_REFERRER_AREA };
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        policy->precedence[i] = (uint8_t)keys[i];
    policy->hops_max = 2;
    policy->offers_max = 5;
    policy->touches_max = 4;
    rfl__policy_journey_init(policy);
    rfl__policy_told_init(policy);
}

bool rfl__name_ok(struct rfl_view name, bool parts)
{
    bool edge = true;                           /* at a place where only a letter or digit may stand */
    if (name.len == 0 || name.len > RFL_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && (edge || !(c == '-' || (parts && c == '/'))))
            return false;
        edge = !plain;
    }
    return !edge;
}

bool rfl__text_ok(struct rfl_view text, size_t least)
{
    if (text.len < least || text.len > RFL_POLICY_TEXT_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return true;
}

bool rfl__code_from_view(struct rfl_view view, char code[RFL_CODE_BYTES])
{
    memset(code, 0, RFL_CODE_BYTES);
    if (view.len == 0 || view.len >= RFL_CODE_BYTES)
        return false;
    for (size_t i = 0; i < view.len; i++) {
        uint8_t c = view.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return false;
        code[i] = (char)c;
    }
    return true;
}

/* "" or a code. */
static bool optional_code(struct rfl_view view, char code[RFL_CODE_BYTES])
{
    memset(code, 0, RFL_CODE_BYTES);
    return view.len == 0 || rfl__code_from_view(view, code);
}

bool rfl__pool_has_room(const struct rfl_policy *policy, size_t bytes)
{
    return bytes <= RFL_POLICY_TEXT_BYTES - policy->text_count;
}

struct rfl_text rfl__pool_put(struct rfl_policy *policy, struct rfl_view text)
{
    assert(rfl__pool_has_room(policy, text.len));
    struct rfl_text out = { policy->text_count, (uint16_t)text.len };
    if (text.len != 0)
        memcpy(policy->text + policy->text_count, text.p, text.len);
    policy->text_count += (uint32_t)text.len;
    return out;
}

enum rfl_err rfl_policy_set_kept(struct rfl_policy *policy, enum rfl_retention class, unsigned days,
                                 struct rfl_view why)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (class >= RFL_RETENTION_COUNT || days > RFL_POLICY_KEPT_DAYS_MAX || !rfl__text_ok(why, 1) ||
        why.len > RFL_WHY_BYTES_MAX)
        return RFL_E_INVALID;
    if (policy->kept[class].why.len != 0)
        return RFL_E_EXISTS;
    if (!rfl__pool_has_room(policy, why.len))
        return RFL_E_FULL;
    policy->kept[class] = (struct rfl_kept){ days, rfl__pool_put(policy, why) };
    return RFL_E_OK;
}

void rfl__slot_put(uint16_t *slots, uint32_t count, uint32_t hash, uint32_t position)
{
    uint32_t i = hash & (count - 1);
    while (slots[i] != 0)
        i = (i + 1) & (count - 1);
    slots[i] = (uint16_t)(position + 1);
}

enum rfl_err rfl_policy_add_area(struct rfl_policy *policy, const struct rfl_area_input *in)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (in->id.v == 0 || !rfl__name_ok(in->name, false) || !rfl__text_ok(in->full_name, 1) ||
        !rfl__text_ok(in->region, 1) || in->from_ms < 0 || in->until_ms <= in->from_ms)
        return RFL_E_INVALID;
    if (policy->area_at[in->id.v] != 0 || rfl_policy_area_by_name(policy, in->name) != NULL)
        return RFL_E_EXISTS;
    if (policy->area_count == RFL_AREAS_MAX ||
        !rfl__pool_has_room(policy, in->name.len + in->full_name.len + in->region.len))
        return RFL_E_FULL;
    struct rfl_area *area = &policy->area[policy->area_count];
    memset(area, 0, sizeof *area);
    area->id = in->id;
    area->intake = in->intake;
    area->triage = in->triage;
    area->name = rfl__pool_put(policy, in->name);
    area->full_name = rfl__pool_put(policy, in->full_name);
    area->region = rfl__pool_put(policy, in->region);
    area->from_ms = in->from_ms;
    area->until_ms = in->until_ms;
    area->precedence[0] = RFL_KEY_COUNT;
    rfl__slot_put(policy->area_slot, RFL__SLOTS(policy->area_slot), rfl__hash_name(in->name), policy->area_count);
    policy->area_at[in->id.v] = (uint16_t)++policy->area_count;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_add_alias(struct rfl_policy *policy, const struct rfl_alias_input *in)
{
    char code[RFL_CODE_BYTES];
    if (policy->compiled)
        return RFL_E_STATE;
    if (in->area.v == 0 || !rfl__code_from_view(in->code, code) || in->from_ms < 0 || in->until_ms <= in->from_ms)
        return RFL_E_INVALID;
    if (policy->alias_count == RFL_POLICY_ALIASES_MAX)
        return RFL_E_FULL;
    struct rfl_alias *alias = &policy->alias[policy->alias_count++];
    memset(alias, 0, sizeof *alias);
    memcpy(alias->code, code, sizeof code);
    alias->area = in->area;
    alias->from_ms = in->from_ms;
    alias->until_ms = in->until_ms;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_add_successor(struct rfl_policy *policy, const struct rfl_successor_input *in)
{
    char code[RFL_CODE_BYTES];
    if (policy->compiled)
        return RFL_E_STATE;
    if (in->area.v == 0 || in->to.v == 0 || in->from_ms < 0)
        return RFL_E_INVALID;
    for (uint32_t i = 0; i < in->sub_icb_count; i++)
        if (!rfl__code_from_view(in->sub_icbs[i], code))
            return RFL_E_INVALID;
    if (policy->successor_count == RFL_POLICY_SUCCESSORS_MAX ||
        in->sub_icb_count > RFL_POLICY_SUB_CODES_MAX - policy->sub_count)
        return RFL_E_FULL;
    struct rfl_successor *successor = &policy->successor[policy->successor_count++];
    memset(successor, 0, sizeof *successor);
    successor->area = in->area;
    successor->to = in->to;
    successor->from_ms = in->from_ms;
    successor->sub_first = (uint16_t)policy->sub_count;
    successor->sub_count = (uint16_t)in->sub_icb_count;
    for (uint32_t i = 0; i < in->sub_icb_count; i++)
        (void)rfl__code_from_view(in->sub_icbs[i], policy->sub_code[policy->sub_count++]);
    return RFL_E_OK;
}

static bool clocks_ok(const int64_t clock_ms[RFL_CLOCK_COUNT])
{
    for (unsigned i = 0; i < RFL_CLOCK_COUNT; i++)
        if (clock_ms[i] < 0)
            return false;
    return clock_ms[RFL_CLOCK_NONE] == 0;
}

enum rfl_err rfl_policy_add_queue(struct rfl_policy *policy, const struct rfl_queue_input *in)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (in->id.v == 0 || in->kind <= RFL_QUEUE_KIND_NONE || in->kind >= RFL_QUEUE_KIND_COUNT ||
        !rfl__name_ok(in->name, true) || !rfl__text_ok(in->owner, 0) || !rfl__text_ok(in->lead, 0) ||
        in->opens_ms < 0 || !clocks_ok(in->clock_ms) || (in->kind == RFL_QUEUE_KIND_NATIONAL) != (in->area.v == 0))
        return RFL_E_INVALID;
    if (policy->queue_at[in->id.v] != 0 || rfl_policy_queue_by_name(policy, in->name) != NULL ||
        (in->kind == RFL_QUEUE_KIND_NATIONAL && policy->national_triage.v != 0))
        return RFL_E_EXISTS;
    if (policy->queue_count == RFL_QUEUES_MAX ||
        !rfl__pool_has_room(policy, in->name.len + in->owner.len + in->lead.len))
        return RFL_E_FULL;
    struct rfl_queue *queue = &policy->queue[policy->queue_count];
    memset(queue, 0, sizeof *queue);
    queue->id = in->id;
    queue->area = in->area;
    queue->kind = (uint8_t)in->kind;
    queue->name = rfl__pool_put(policy, in->name);
    queue->owner = rfl__pool_put(policy, in->owner);
    queue->lead = rfl__pool_put(policy, in->lead);
    queue->opens_ms = in->opens_ms;
    queue->closes_ms = RFL_NO_END_MS;
    memcpy(queue->clock_ms, in->clock_ms, sizeof queue->clock_ms);
    rfl__slot_put(policy->queue_slot, RFL__SLOTS(policy->queue_slot), rfl__hash_name(in->name), policy->queue_count);
    policy->queue_at[in->id.v] = (uint16_t)++policy->queue_count;
    if (in->kind == RFL_QUEUE_KIND_NATIONAL)
        policy->national_triage = in->id;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_add_source(struct rfl_policy *policy, const struct rfl_source_input *in)
{
    char sub_icb[RFL_CODE_BYTES];
    if (policy->compiled)
        return RFL_E_STATE;
    if (in->id.v == 0 || !rfl__name_ok(in->name, false) || !optional_code(in->sub_icb, sub_icb) || in->doors == 0 ||
        (in->doors & (1u << RFL_DOOR_NONE)) != 0 || in->doors >> RFL_DOOR_COUNT != 0)
        return RFL_E_INVALID;
    if (policy->source_at[in->id.v] != 0 || rfl_policy_source_by_name(policy, in->name) != NULL)
        return RFL_E_EXISTS;
    if (policy->source_count == RFL_SOURCES_MAX || !rfl__pool_has_room(policy, in->name.len))
        return RFL_E_FULL;
    struct rfl_source *source = &policy->source[policy->source_count];
    memset(source, 0, sizeof *source);
    source->id = in->id;
    source->doors = in->doors;
    source->area = in->area;
    memcpy(source->sub_icb, sub_icb, sizeof sub_icb);
    source->name = rfl__pool_put(policy, in->name);
    rfl__slot_put(policy->source_slot, RFL__SLOTS(policy->source_slot), rfl__hash_name(in->name), policy->source_count);
    policy->source_at[in->id.v] = (uint16_t)++policy->source_count;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_add_jobcentre(struct rfl_policy *policy, struct rfl_view code, struct rfl_area_no area,
                                      struct rfl_view sub_icb)
{
    struct rfl_jobcentre office;
    struct rfl_clue clue;
    if (policy->compiled)
        return RFL_E_STATE;
    memset(&office, 0, sizeof office);
    if (area.v == 0 || !rfl__code_from_view(code, office.code) || !optional_code(sub_icb, office.sub_icb))
        return RFL_E_INVALID;
    rfl_policy_clue_jobcentre(policy, code, &clue);
    if (clue.grade == RFL_GRADE_OK)
        return RFL_E_EXISTS;
    if (policy->jobcentre_count == RFL_POLICY_JOBCENTRES_MAX)
        return RFL_E_FULL;
    office.area = area;
    rfl__slot_put(policy->jobcentre_slot, RFL__SLOTS(policy->jobcentre_slot), rfl__hash_code(office.code),
             policy->jobcentre_count);
    policy->jobcentre[policy->jobcentre_count++] = office;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_set_clock(struct rfl_policy *policy, enum rfl_clock clock, int64_t work_ms)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (clock <= RFL_CLOCK_NONE || clock >= RFL_CLOCK_COUNT || work_ms <= 0)
        return RFL_E_INVALID;
    policy->clock_ms[clock] = work_ms;
    return RFL_E_OK;
}

enum rfl_err rfl_policy_set_implied_consent(struct rfl_policy *policy, enum rfl_door door, bool enough)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (door <= RFL_DOOR_NONE || door >= RFL_DOOR_COUNT)
        return RFL_E_INVALID;
    uint16_t bit = (uint16_t)(1u << door);
    policy->implied_doors = (uint16_t)(enough ? policy->implied_doors | bit : policy->implied_doors & ~bit);
    return RFL_E_OK;
}

bool rfl__keys_complete(const enum rfl_key keys[RFL_KEY_COUNT])
{
    unsigned seen = 0;
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        if ((unsigned)keys[i] < RFL_KEY_COUNT)
            seen |= 1u << keys[i];
    return seen == (1u << RFL_KEY_COUNT) - 1;
}

enum rfl_err rfl_policy_set_precedence(struct rfl_policy *policy, const enum rfl_key keys[RFL_KEY_COUNT])
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (!rfl__keys_complete(keys))
        return RFL_E_INVALID;
    for (unsigned i = 0; i < RFL_KEY_COUNT; i++)
        policy->precedence[i] = (uint8_t)keys[i];
    return RFL_E_OK;
}

enum rfl_err rfl_policy_set_budgets(struct rfl_policy *policy, unsigned hops, unsigned offers, unsigned touches)
{
    if (policy->compiled)
        return RFL_E_STATE;
    if (hops < 1 || hops > RFL_POLICY_HOPS_MAX || offers < 1 || offers > RFL_POLICY_OFFERS_MAX || touches < 1 ||
        touches > RFL_POLICY_TOUCHES_MAX)
        return RFL_E_INVALID;
    policy->hops_max = (uint8_t)hops;
    policy->offers_max = (uint8_t)offers;
    policy->touches_max = (uint8_t)touches;
    return RFL_E_OK;
}

struct rfl_calendar *rfl_policy_calendar_edit(struct rfl_policy *policy)
{
    assert(!policy->compiled);
    return &policy->calendar;
}

static bool alias_after(const struct rfl_alias *a, const struct rfl_alias *b)
{
    int order = memcmp(a->code, b->code, RFL_CODE_BYTES);
    return order != 0 ? order > 0 : a->from_ms > b->from_ms;
}

/* By code, then by date; insertion, because it happens once and the files are nearly in order. */
static void sort_aliases(struct rfl_policy *policy)
{
    for (uint32_t i = 1; i < policy->alias_count; i++) {
        struct rfl_alias moving = policy->alias[i];
        uint32_t at = i;
        for (; at > 0 && alias_after(&policy->alias[at - 1], &moving); at--)
            policy->alias[at] = policy->alias[at - 1];
        policy->alias[at] = moving;
    }
}

static void sort_successors(struct rfl_policy *policy)
{
    for (uint32_t i = 1; i < policy->successor_count; i++) {
        struct rfl_successor moving = policy->successor[i];
        uint32_t at = i;
        for (; at > 0 && policy->successor[at - 1].area.v > moving.area.v; at--)
            policy->successor[at] = policy->successor[at - 1];
        policy->successor[at] = moving;
    }
}

static struct rfl_area *area_at(struct rfl_policy *policy, struct rfl_area_no id)
{
    uint16_t at = policy->area_at[id.v];
    return at != 0 ? &policy->area[at - 1] : NULL;
}

/* A code that meant this area only can stand for the area in a clue. `first` to `end`: the run with one code. */
static void offer_code(struct rfl_policy *policy, uint32_t first, uint32_t end)
{
    struct rfl_area *area = area_at(policy, policy->alias[first].area);
    for (uint32_t i = first; i < end; i++)
        if (policy->alias[i].area.v != policy->alias[first].area.v)
            return;
    if (area != NULL && area->code[0] == '\0')
        memcpy(area->code, policy->alias[first].code, RFL_CODE_BYTES);
}

static void index_codes(struct rfl_policy *policy)
{
    for (uint32_t first = 0, end; first < policy->alias_count; first = end) {
        for (end = first + 1; end < policy->alias_count; end++)
            if (!rfl__code_same(policy->alias[first].code, policy->alias[end].code))
                break;
        rfl__slot_put(policy->code_slot, RFL__SLOTS(policy->code_slot), rfl__hash_code(policy->alias[first].code),
                      first);
        offer_code(policy, first, end);
    }
}

enum rfl_err rfl_policy_compile(struct rfl_policy *policy)
{
    if (policy->compiled || !policy->calendar.finished)
        return RFL_E_STATE;
    sort_aliases(policy);
    index_codes(policy);
    sort_successors(policy);
    for (uint32_t i = policy->successor_count; i-- > 0;) {
        struct rfl_area *area = area_at(policy, policy->successor[i].area);
        if (area != NULL) {
            area->successor_first = (uint16_t)i;
            area->successor_count++;
        }
    }
    rfl__compile_rules(policy);
    policy->compiled = true;
    return RFL_E_OK;
}

void rfl_policy_set_digest(struct rfl_policy *policy, struct rfl_hash digest)
{
    assert(policy->compiled);
    policy->digest = digest;
}

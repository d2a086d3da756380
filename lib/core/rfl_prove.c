#include "rfl_prove.h"

static const struct { const char *word, *text, *remedy; bool error; } proofs[] = {
#define RFL_X(name, word, error, text, remedy) { word, text, remedy, error },
    RFL_PROOF_LIST(RFL_X)
#undef RFL_X
};
static_assert(sizeof proofs / sizeof proofs[0] == RFL_PROOF_COUNT, "a row for each");

const char *rfl_proof_word(enum rfl_proof proof) { return proof < RFL_PROOF_COUNT ? proofs[proof].word : "unknown"; }
const char *rfl_proof_text(enum rfl_proof proof) { return proof < RFL_PROOF_COUNT ? proofs[proof].text : ""; }
const char *rfl_proof_remedy(enum rfl_proof proof) { return proof < RFL_PROOF_COUNT ? proofs[proof].remedy : ""; }
bool rfl_proof_is_error(enum rfl_proof proof) { return proof >= RFL_PROOF_COUNT || proofs[proof].error; }

struct prove {
    const struct rfl_policy *policy;
    const struct rfl_prove_options *options;
    struct rfl_prove_work *work;
    void (*found)(void *ctx, const struct rfl_proof_finding *finding);
    void *ctx;
    struct rfl_prove_count *count;
    const struct rfl_area *area;                /* the one looked at */
    int64_t at_ms;
    bool by_door;                               /* something that counts there looks at the door or the source */
};

/* ---- telling ---- */

static bool same_decider(struct rfl_decider a, struct rfl_decider b)
{
    return a.advice == b.advice && a.rule == b.rule;
}

static bool told(const struct prove *p, enum rfl_proof proof, struct rfl_decider by, struct rfl_decider other,
                 uint16_t id)
{
    for (uint32_t i = 0; i < p->work->finding_count; i++)
        if (p->work->told[i].proof == proof && p->work->told[i].id == id && same_decider(p->work->told[i].by, by) &&
            same_decider(p->work->told[i].other, other))
            return true;
    return false;
}

static void tell(struct prove *p, const struct rfl_proof_finding *finding)
{
    struct rfl_prove_work *work = p->work;
    uint16_t id = finding->queue.v != 0 ? finding->queue.v : finding->area.v;
    if (finding->proof == RFL_PROOF_DOORS_DIFFER)
        id = 0;                                 /* a rule of every area is told of once */
    if (told(p, finding->proof, finding->by, finding->other, id) || work->finding_count == RFL_PROOF_FINDINGS_MAX)
        return;
    work->told[work->finding_count].proof = (uint8_t)finding->proof;
    work->told[work->finding_count].by = finding->by;
    work->told[work->finding_count].other = finding->other;
    work->told[work->finding_count++].id = id;
    if (rfl_proof_is_error(finding->proof))
        p->count->errors++;
    else
        p->count->warnings++;
    if (p->found != NULL)
        p->found(p->ctx, finding);
}

static struct rfl_witness witness_of(const struct prove *p, const struct rfl_box *box)
{
    struct rfl_witness witness = { .area = p->area->id, .at_ms = p->at_ms };
    rfl_space_witness(&p->work->space, 0, box, &witness.profile);
    return witness;
}

/* An advice that only says something decides nothing. */
static struct rfl_decider decider_of(const struct prove *p, const struct rfl_cell *cell)
{
    bool advised = cell->advice != 0 && p->policy->advice[cell->advice - 1].to.v != 0;
    return (struct rfl_decider){ advised ? cell->advice : 0, cell->rule };
}

/* The queue that is asked first; 0: a desk, on purpose. */
static struct rfl_queue_no asked(const struct prove *p, struct rfl_decider by)
{
    if (by.advice != 0)
        return p->policy->advice[by.advice - 1].to;
    return by.rule != 0 ? p->policy->rule[by.rule - 1].to : p->area->intake;
}

/* ---- queues ---- */

static struct rfl_prove_seen *seen_queue(const struct prove *p, struct rfl_queue_no id)
{
    return id.v != 0 && p->policy->queue_at[id.v] != 0 ? &p->work->queue[p->policy->queue_at[id.v] - 1u] : NULL;
}

static void use_queue(const struct prove *p, struct rfl_queue_no id, const struct rfl_witness *witness)
{
    struct rfl_prove_seen *seen = seen_queue(p, id);
    if (seen != NULL && !seen->used) {
        seen->used = true;
        seen->witness = *witness;
    }
}

/* Fills up one queue after the other, as long as somebody still takes people. An operator may set room for any queue,
 * so one that names an overflow counts as one that may be full, whatever its capacity here. */
static void follow_overflow(const struct prove *p, struct rfl_witness *witness)
{
    struct rfl_decision decision;
    for (;;) {
        rfl_route_profile(p->policy, witness->area, &witness->profile, witness->at_ms, witness->full,
                          witness->full_count, NULL, &decision);
        if (decision.verdict != RFL_ROUTE_TO)
            return;
        const struct rfl_queue *queue = rfl_policy_queue(p->policy, decision.queue);
        use_queue(p, decision.queue, witness);
        if ((queue->capacity == 0 && queue->overflow_count == 0) || witness->full_count == RFL_FULL_MAX)
            return;
        witness->full[witness->full_count++] = decision.queue;
    }
}

static void look_at_answer(struct prove *p, const struct rfl_cell *cell)
{
    struct rfl_decider by = decider_of(p, cell);
    struct rfl_queue_no queue = asked(p, by);
    struct rfl_prove_seen *seen = seen_queue(p, queue);
    struct rfl_witness witness = witness_of(p, &cell->box);
    struct rfl_proof_finding finding = { .by = by, .queue = queue, .shown = true, .witness = witness };
    if (seen == NULL)
        return;
    seen->met = true;
    if (cell->verdict == RFL_ROUTE_TO) {
        follow_overflow(p, &witness);
        return;
    }
    if (cell->reason == RFL_ROUTE_REASON_INTAKE_NOT_OPEN) {
        finding.proof = RFL_PROOF_QUEUE_LATER;
    } else if (by.advice == 0 && by.rule == 0) {
        finding.proof = RFL_PROOF_GAP;
        finding.area = p->area->id;
    } else {
        finding.proof = RFL_PROOF_QUEUE_CLOSED;
    }
    tell(p, &finding);
}

/* ---- rules and advice that never decide ---- */

static void use(struct rfl_prove_seen *seen, const struct rfl_witness *witness)
{
    if (!seen->used)
        seen->witness = *witness;
    seen->used = true;
}

static void add_cover(struct rfl_prove_seen *seen, struct rfl_decider by)
{
    for (unsigned i = 0; i < seen->cover_count; i++)
        if (same_decider(seen->cover[i], by))
            return;
    if (seen->cover_count < RFL_PROOF_COVERS_MAX)
        seen->cover[seen->cover_count++] = by;
}

/* Who decides instead, wherever this condition holds. */
static void look_at_unused(struct prove *p, const struct rfl_condition *when, bool advice, struct rfl_prove_seen *seen)
{
    struct rfl_box box, common;
    if (seen->used || seen->met)
        return;
    rfl_space_box(&p->work->space, 0, when, &box);
    for (uint32_t i = 0; i < p->work->cells.count; i++) {
        const struct rfl_cell *cell = &p->work->cells.cell[i];
        if (!rfl_box_intersect(&cell->box, &box, &common))
            continue;
        if (!seen->met)
            seen->witness = witness_of(p, &common);
        seen->met = true;
        add_cover(seen, advice ? (struct rfl_decider){ cell->advice, 0 } : decider_of(p, cell));
    }
}

static void look_at_deciders(struct prove *p)
{
    const struct rfl_policy *policy = p->policy;
    struct rfl_prove_work *work = p->work;
    for (uint32_t i = 0; i < work->cells.count; i++) {
        const struct rfl_cell *cell = &work->cells.cell[i];
        struct rfl_witness witness = witness_of(p, &cell->box);
        if (cell->advice != 0)
            use(&work->advice[cell->advice - 1], &witness);
        if (cell->rule != 0)
            use(&work->rule[cell->rule - 1], &witness);
    }
    for (uint32_t i = 0; i < policy->advice_count; i++)
        if (rfl_cells_advice_counts(&policy->advice[i], p->area->id, p->at_ms))
            look_at_unused(p, &policy->advice[i].when, true, &work->advice[i]);
    for (uint32_t i = 0; i < policy->rule_count; i++)
        if (rfl_cells_rule_counts(&policy->rule[i], p->area->id, p->at_ms))
            look_at_unused(p, &policy->rule[i].when, false, &work->rule[i]);
}

/* ---- two rules ---- */

static bool same_answer(const struct rfl_rule *a, const struct rfl_rule *b)
{
    return a->answer == b->answer && a->to.v == b->to.v && a->retry_ms == b->retry_ms;
}

/* Whoever can meet a meets b as well. */
static bool more_special(const struct prove *p, const struct rfl_condition *a, const struct rfl_condition *b)
{
    struct rfl_box whole[RFL_SPACE_WHOLE_MAX], box_a, box_b, some;
    uint32_t count = rfl_space_whole(&p->work->space, whole);
    rfl_space_box(&p->work->space, 0, a, &box_a);
    rfl_space_box(&p->work->space, 0, b, &box_b);
    for (uint32_t i = 0; i < count; i++)
        if (rfl_box_intersect(&whole[i], &box_a, &some) && !rfl_box_within(&some, &box_b))
            return false;
    return true;
}

static void look_at_overlap(struct prove *p, uint32_t later)
{
    const struct rfl_rule *rule = p->policy->rule, *b = &rule[later - 1];
    struct rfl_box box, common;
    rfl_space_box(&p->work->space, 0, &b->when, &box);
    for (uint32_t i = 0; i < p->work->cells.count; i++) {
        const struct rfl_cell *cell = &p->work->cells.cell[i];
        if (cell->rule == 0 || cell->rule >= later || same_answer(&rule[cell->rule - 1], b) ||
            !rfl_box_intersect(&cell->box, &box, &common))
            continue;
        const struct rfl_rule *a = &rule[cell->rule - 1];
        struct rfl_proof_finding finding = { .proof = RFL_PROOF_OVERLAP, .by = { 0, cell->rule },
            .other = { 0, (uint16_t)later }, .shown = true, .witness = witness_of(p, &common) };
        if ((a->area.v != 0 && b->area.v == 0) || told(p, finding.proof, finding.by, finding.other, 0) ||
            more_special(p, &a->when, &b->when) || more_special(p, &b->when, &a->when))
            continue;
        tell(p, &finding);
    }
}

/* ---- two doors ---- */

/* Two different doors, one of each box; false: both have the same single one. */
static bool part_doors(struct rfl_box *a, struct rfl_box *b)
{
    uint64_t doors_a = a->set[RFL_FIELD_DOOR], doors_b = b->set[RFL_FIELD_DOOR];
    uint64_t first = doors_a & (~doors_a + 1), other = doors_b & ~first;
    if (other == 0) {
        other = doors_b;
        first = doors_a & ~other;
        first &= ~first + 1;
    }
    a->set[RFL_FIELD_DOOR] = first;
    b->set[RFL_FIELD_DOOR] = other & (~other + 1);
    return first != 0;
}

static bool meant_to_differ(const struct prove *p, struct rfl_decider by)
{
    return by.rule != 0 && p->policy->rule[by.rule - 1].doors_differ;
}

/* The source is part of how a referral came, not of who the person is: it goes with the door. */
static void look_at_two(struct prove *p, const struct rfl_cell *one, const struct rfl_cell *two)
{
    struct rfl_box a = one->box, b = two->box;
    struct rfl_proof_finding finding = { .proof = RFL_PROOF_DOORS_DIFFER, .by = decider_of(p, one),
        .other = decider_of(p, two), .queue = one->queue, .other_queue = two->queue, .shown = true };
    for (unsigned f = 0; f < RFL_FIELD_COUNT; f++) {
        if (f == RFL_FIELD_DOOR || f == RFL_FIELD_SOURCE)
            continue;
        a.set[f] = b.set[f] = one->box.set[f] & two->box.set[f];
        if (a.set[f] == 0)
            return;
    }
    if (meant_to_differ(p, finding.by) || meant_to_differ(p, finding.other) || !part_doors(&a, &b) ||
        told(p, finding.proof, finding.by, finding.other, 0) || told(p, finding.proof, finding.other, finding.by, 0))
        return;
    finding.witness = witness_of(p, &a);
    finding.other_witness = witness_of(p, &b);
    tell(p, &finding);
}

static void look_at_doors(struct prove *p)
{
    const struct rfl_cells *cells = &p->work->cells;
    for (uint32_t i = 0; i < cells->count; i++)
        for (uint32_t j = i + 1; j < cells->count; j++)
            if (cells->cell[i].queue.v != cells->cell[j].queue.v)
                look_at_two(p, &cells->cell[i], &cells->cell[j]);
}

static bool looks_at_door(const struct rfl_condition *when)
{
    return (when->fields & (1u << RFL_FIELD_DOOR | 1u << RFL_FIELD_SOURCE)) != 0;
}

static bool any_by_door(const struct prove *p)
{
    for (uint32_t i = 0; i < p->policy->advice_count; i++)
        if (rfl_cells_advice_counts(&p->policy->advice[i], p->area->id, p->at_ms) &&
            looks_at_door(&p->policy->advice[i].when))
            return true;
    for (uint32_t i = 0; i < p->policy->rule_count; i++)
        if (rfl_cells_rule_counts(&p->policy->rule[i], p->area->id, p->at_ms) &&
            looks_at_door(&p->policy->rule[i].when))
            return true;
    return false;
}

/* ---- everything ---- */

/* Nothing is said of what could not be looked at. */
static void give_up(struct prove *p)
{
    struct rfl_prove_work *work = p->work;
    for (uint32_t i = 0; i < p->policy->rule_count; i++)
        if (p->policy->rule[i].area.v == 0 || p->policy->rule[i].area.v == p->area->id.v)
            work->rule[i].used = true;
    for (uint32_t i = 0; i < p->policy->advice_count; i++)
        if (p->policy->advice[i].area.v == 0 || p->policy->advice[i].area.v == p->area->id.v)
            work->advice[i].used = true;
    for (uint32_t i = 0; i < p->policy->queue_count; i++)
        work->queue[i].met = true;
    tell(p, &(struct rfl_proof_finding){ .proof = RFL_PROOF_TOO_COMPLEX, .area = p->area->id });
}

static void look_at_moment(struct prove *p)
{
    struct rfl_prove_work *work = p->work;
    rfl_space_begin(&work->space, p->policy, NULL, p->area->id);
    rfl_cells_cut(&work->space, p->policy, p->area->id, p->at_ms);
    if (rfl_space_finish(&work->space) != RFL_E_OK ||
        rfl_cells_make(&work->space, 0, p->at_ms, &work->cells) != RFL_E_OK) {
        give_up(p);
        return;
    }
    p->count->moments++;
    p->count->cells += work->cells.count;
    look_at_deciders(p);
    for (uint32_t i = 0; i < work->cells.count; i++)
        look_at_answer(p, &work->cells.cell[i]);
    for (uint32_t i = 0; i < p->policy->rule_count; i++)
        if (rfl_cells_rule_counts(&p->policy->rule[i], p->area->id, p->at_ms))
            look_at_overlap(p, i + 1);
    if (any_by_door(p))
        look_at_doors(p);
}

static void look_at_area(struct prove *p)
{
    uint32_t dates = 0;
    if (rfl_cells_dates(p->policy, NULL, p->area->id, p->options->from_ms, p->work->date, &dates) != RFL_E_OK) {
        give_up(p);
        return;
    }
    p->count->areas += dates > 0 ? 1 : 0;
    for (uint32_t i = 0; i < dates; i++) {
        p->at_ms = p->work->date[i];
        look_at_moment(p);
    }
}

static bool is_over(const struct prove *p, struct rfl_area_no id, int64_t until_ms)
{
    const struct rfl_area *area = rfl_policy_area(p->policy, id);
    return until_ms <= p->options->from_ms || (area != NULL && area->until_ms <= p->options->from_ms);
}

static void tell_unused(struct prove *p, const struct rfl_prove_seen *seen, struct rfl_decider by)
{
    struct rfl_proof_finding finding = { .by = by, .shown = seen->met, .witness = seen->witness };
    if (seen->used)
        return;
    finding.proof = by.rule != 0 ? seen->met ? RFL_PROOF_RULE_COVERED : RFL_PROOF_RULE_NOBODY
                                 : seen->met ? RFL_PROOF_ADVICE_COVERED : RFL_PROOF_ADVICE_NOBODY;
    finding.cover_count = seen->cover_count;
    memcpy(finding.cover, seen->cover, sizeof finding.cover);
    tell(p, &finding);
}

static bool is_intake(const struct rfl_policy *policy, struct rfl_queue_no queue)
{
    for (uint32_t i = 0; i < policy->area_count; i++)
        if (policy->area[i].intake.v == queue.v)
            return true;
    return false;
}

/* An area must have an intake, so one that its rules leave nobody to is no mistake. */
static void look_at_queue(struct prove *p, const struct rfl_queue *queue, const struct rfl_prove_seen *seen)
{
    struct rfl_proof_finding finding = { .queue = queue->id };
    if (queue->kind != RFL_QUEUE_KIND_PROVIDER || is_over(p, queue->area, queue->closes_ms))
        return;
    if (seen->used) {
        finding.proof = RFL_PROOF_QUEUE_NO_WORKER;
        finding.shown = true;
        finding.witness = seen->witness;
        if (p->options->has_worker != NULL && !p->options->has_worker(p->options->worker_ctx, queue->id))
            tell(p, &finding);
    } else if (!seen->met && !is_intake(p->policy, queue->id)) {
        finding.proof = RFL_PROOF_QUEUE_UNUSED;
        tell(p, &finding);
    }
}

void rfl_prove(const struct rfl_policy *policy, const struct rfl_prove_options *options, struct rfl_prove_work *work,
               void (*found)(void *ctx, const struct rfl_proof_finding *finding), void *ctx,
               struct rfl_prove_count *count)
{
    struct prove p = { .policy = policy, .options = options, .work = work, .found = found, .ctx = ctx, .count = count };
    assert(policy->compiled);
    memset(count, 0, sizeof *count);
    memset(work->rule, 0, sizeof work->rule);
    memset(work->advice, 0, sizeof work->advice);
    memset(work->queue, 0, sizeof work->queue);
    work->finding_count = 0;
    for (uint32_t i = 0; i < policy->area_count; i++) {
        p.area = &policy->area[i];
        look_at_area(&p);
    }
    for (uint32_t i = 0; i < policy->advice_count; i++)
        if (!is_over(&p, policy->advice[i].area, policy->advice[i].until_ms))
            tell_unused(&p, &work->advice[i], (struct rfl_decider){ (uint16_t)(i + 1), 0 });
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        const struct rfl_rule *rule = &policy->rule[i];
        int64_t until_ms = rule->answer == RFL_ANSWER_NOT_YET && rule->retry_ms < rule->until_ms ? rule->retry_ms
                                                                                                 : rule->until_ms;
        if (!rule->shadow && !is_over(&p, rule->area, until_ms))
            tell_unused(&p, &work->rule[i], (struct rfl_decider){ 0, (uint16_t)(i + 1) });
    }
    for (uint32_t i = 0; i < policy->queue_count; i++)
        look_at_queue(&p, &policy->queue[i], &work->queue[i]);
}

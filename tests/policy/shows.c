#include "shows.h"

bool can_exist(const struct rfl_policy *policy, const struct rfl_witness *w)
{
    const struct rfl_area *area = rfl_policy_area(policy, w->area);
    const struct rfl_source *source = rfl_policy_source(policy, w->profile.source);
    bool sent = policy->source_count == 0 ? w->profile.source.v == 0 && w->profile.door > 0
                                          : source != NULL && rfl_policy_source_may(source, w->profile.door);
    return sent && area != NULL && rfl_area_alive(area, w->at_ms) && w->profile.door < RFL_DOOR_COUNT &&
           w->profile.band < RFL_BAND_COUNT && w->profile.employment < RFL_EMPLOYMENT_COUNT &&
           w->profile.barrier < 19 &&
           w->profile.age_years <= 130 && w->profile.weeks_out_of_work <= 5200 && w->profile.flags < 16 &&
           (area->accepts == 0 || (area->accepts >> w->profile.key & 1) != 0) && w->profile.place <= area->place_count;
}

void ask_about(const struct rfl_policy *policy, const struct rfl_witness *w, struct rfl_decision *out)
{
    rfl_route_profile(policy, w->area, &w->profile, w->at_ms, w->full, w->full_count, NULL, out);
}

struct rfl_decider decider_in(const struct rfl_policy *policy, const struct rfl_decision *decision)
{
    bool advised = decision->advice != 0 && policy->advice[decision->advice - 1].to.v != 0;
    return (struct rfl_decider){ advised ? decision->advice : 0, decision->rule };
}

static bool is_by(const struct rfl_policy *policy, const struct rfl_decision *decision, struct rfl_decider by)
{
    struct rfl_decider real = decider_in(policy, decision);
    return real.advice == by.advice && real.rule == by.rule;
}

static bool holds(const struct rfl_condition *when, const struct rfl_witness *w)
{
    return rfl_condition_unmet(when, &w->profile) == RFL_FIELD_COUNT;
}

static const char *shows_cover(const struct rfl_policy *policy, const struct rfl_proof_finding *f,
                               const struct rfl_decision *d)
{
    const struct rfl_condition *when = f->by.rule != 0 ? &policy->rule[f->by.rule - 1].when
                                                       : &policy->advice[f->by.advice - 1].when;
    if (!holds(when, &f->witness))
        return "the witness does not meet the condition";
    if (f->by.rule != 0 ? d->rule == f->by.rule : d->advice == f->by.advice)
        return "it does decide";
    for (unsigned i = 0; i < f->cover_count; i++)
        if (f->by.rule != 0 ? is_by(policy, d, f->cover[i]) : d->advice == f->cover[i].advice)
            return NULL;
    return "who decides is not among the covering ones";
}

static const char *shows_doors(const struct rfl_policy *policy, const struct rfl_proof_finding *f,
                               const struct rfl_decision *d)
{
    struct rfl_profile a = f->witness.profile, b = f->other_witness.profile;
    struct rfl_decision other;
    ask_about(policy, &f->other_witness, &other);
    if (!can_exist(policy, &f->other_witness) || a.door == b.door)
        return "the other witness cannot exist, or has the same door";
    a.door = b.door;
    a.source = b.source;
    if (memcmp(&a, &b, sizeof a) != 0 || f->witness.at_ms != f->other_witness.at_ms)
        return "more than the door differs";
    if (!is_by(policy, d, f->by) || !is_by(policy, &other, f->other))
        return "somebody else decides";
    return d->queue.v == f->queue.v && other.queue.v == f->other_queue.v && d->queue.v != other.queue.v
               ? NULL : "the queues are not those";
}

const char *shows(const struct rfl_policy *policy, const struct rfl_prove_options *options,
                  const struct rfl_proof_finding *f)
{
    struct rfl_decision d;
    if (!f->shown)
        return f->proof == RFL_PROOF_RULE_NOBODY || f->proof == RFL_PROOF_ADVICE_NOBODY ||
                       f->proof == RFL_PROOF_QUEUE_UNUSED || f->proof == RFL_PROOF_TOO_COMPLEX
                   ? NULL : "there is no witness";
    if (!can_exist(policy, &f->witness))
        return "the witness cannot exist";
    ask_about(policy, &f->witness, &d);
    switch (f->proof) {
    case RFL_PROOF_GAP:
        return d.rule == 0 && decider_in(policy, &d).advice == 0 && d.verdict == RFL_ROUTE_TRIAGE ? NULL : "no gap";
    case RFL_PROOF_RULE_COVERED: case RFL_PROOF_ADVICE_COVERED: return shows_cover(policy, f, &d);
    case RFL_PROOF_OVERLAP:
        return d.rule == f->by.rule && holds(&policy->rule[f->other.rule - 1].when, &f->witness) ? NULL : "no overlap";
    case RFL_PROOF_DOORS_DIFFER: return shows_doors(policy, f, &d);
    case RFL_PROOF_QUEUE_NO_WORKER:
        return d.verdict == RFL_ROUTE_TO && d.queue.v == f->queue.v &&
                       !options->has_worker(options->worker_ctx, d.queue) ? NULL : "not sent there, or it has a worker";
    case RFL_PROOF_QUEUE_CLOSED: case RFL_PROOF_QUEUE_LATER:
        if (!is_by(policy, &d, f->by) || d.verdict == RFL_ROUTE_TO)
            return "somebody else decides, or it is open";
        return (rfl_policy_queue(policy, f->queue)->opens_ms > f->witness.at_ms) == (f->proof == RFL_PROOF_QUEUE_LATER)
                   ? NULL : "the queue is open, or closed otherwise";
    case RFL_PROOF_RULE_NOBODY: case RFL_PROOF_ADVICE_NOBODY: case RFL_PROOF_QUEUE_UNUSED:
    case RFL_PROOF_TOO_COMPLEX: case RFL_PROOF_COUNT: break;
    }
    return "a witness where there can be none";
}

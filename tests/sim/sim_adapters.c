/* What adapters do: send, resend, send something else under the same name, ask, read their mail. */
#include "sim.h"

#include <stdio.h>

#include "canaries.h"

static const uint8_t sources[] = { 1, 2, 3, 4, 5, 6, 8, 10, 11 };

static unsigned some_source(struct sim *sim) { return sources[sim_below(sim, sizeof sources)]; }

static const char *nhs_number(unsigned person)
{
    static char text[16];
    for (unsigned n = person * 11;; n++) {
        unsigned sum = 9 * 10 + 9 * 9 + 9 * 8;
        (void)snprintf(text, sizeof text, "9990%05u", n);
        for (unsigned i = 3; i < 9; i++)
            sum += (unsigned)(text[i] - '0') * (10 - i);
        unsigned check = (11 - sum % 11) % 11;
        if (check == 10)
            continue;
        text[9] = (char)('0' + check);
        text[10] = '\0';
        return text;
    }
}

/* The bytes of a form: the same form gives the same bytes. Lent until the next call. */
struct rfl_view sim_bytes_of(const struct m_form *in, struct rfl_form *form)
{
    static uint8_t body[4096];
    static char name[32], nino[16], birth[16], note[16];
    unsigned named = model_named(in);
    (void)snprintf(name, sizeof name, CANARY_NAME " %c%c", 'A' + named / 26, 'a' + named % 26);
    (void)snprintf(nino, sizeof nino, "JA%06uA", in->person * 7u + 100000u);
    (void)snprintf(birth, sizeof birth, "%04u-%02u-%02u", model_birth_year(in), M_BIRTH_MONTH,
                   M_BIRTH_DAY);
    (void)snprintf(note, sizeof note, "b%u", in->body);
    *form = (struct rfl_form){ .name = sim_text(name), .phone = sim_text(CANARY_PHONE), .has_band = true,
                               .band = in->band, .door = in->door, .consent = in->consent, .notify = in->notify,
                               .correlation_id = sim_text(note), .address = sim_text(CANARY_STREET),
                               .contact_notes = sim_text(CANARY_WORDS) };
    if ((in->keys & 1u << RFL_MATCH_NHS_NUMBER) != 0)
        form->nhs_number = sim_text(nhs_number(in->person));
    if ((in->keys & 1u << RFL_MATCH_NINO) != 0)
        form->nino = sim_text(nino);
    if ((in->keys & 1u << RFL_MATCH_NAME_BIRTH_POSTCODE) != 0)
        form->date_of_birth = sim_text(birth);
    if (in->off_sick) {
        form->employment = RFL_EMPLOYMENT_OFF_SICK;
        form->main_barrier = 1;         /* one of those that Greater Manchester's shipped rules name */
    }
    if (model_places[in->place].postcode != NULL)
        form->postcode = sim_text(model_places[in->place].postcode);
    return (struct rfl_view){ body, rfl_wire_encode_form(form, body, sizeof body) };
}

struct m_form sim_some_form(struct sim *sim, unsigned source)
{
    static const uint8_t consents[] = { RFL_CONSENT_GIVEN, RFL_CONSENT_GIVEN, RFL_CONSENT_GIVEN, RFL_CONSENT_IMPLIED,
                                        RFL_CONSENT_NOT_STATED, RFL_CONSENT_NOT_GIVEN };
    const uint8_t *doors = model_sources[source].doors;
    struct m_form form = { .person = (uint8_t)sim_below(sim, sim->habits.people) };
    unsigned door = sim_below(sim, doors[1] == 0 ? 1 : 2);
    form.place = (uint8_t)(sim_chance(sim, 24) ? 0 : 1 + model_named(&form) % (M_PLACES - 1));
    form.keys = (uint8_t)(1 + sim_below(sim, 7));
    if (sim_chance(sim, 6) && sim->model.open_count < M_OPEN_MAX / 2)
        form.keys = 0;
    form.door = doors[door];
    form.consent = consents[sim_below(sim, sizeof consents)];
    form.band = (uint8_t)(sim_below(sim, 4) != 0);
    form.notify = (uint8_t)(sim_chance(sim, 40) ? 1 + sim_below(sim, 31) : 0);
    form.off_sick = sim_below(sim, 3) == 0;
    form.body = sim->next_body++;
    return form;
}

/* ---- Submit ---- */

static void check_receipt(struct sim *sim, const struct rfl_msg_receipt *receipt, const struct m_answer *answer,
                          uint8_t door)
{
    const char *text = sim_code_of_referral(sim, answer->referral);
    bool sees = door == RFL_DOOR_GP || door == RFL_DOOR_SELF;
    const struct m_case *k = &sim->model.kase[sim->model.referral[answer->referral].kase];
    if (k->linked_to != 0)
        k = &sim->model.kase[k->linked_to];     /* the place of who rests on another is the other's */
    if (receipt->receipt.len != strlen(text) || memcmp(receipt->receipt.p, text, strlen(text)) != 0)
        sim_fail(sim, "the receipt is not that of referral %u", answer->referral);
    struct rfl_referral stored;
    if (rfl_store_referral(sim->world.store, (struct rfl_referral_id){ answer->referral }, &stored) != RFL_E_OK ||
        stored.kase.v != sim->model.referral[answer->referral].kase)
        sim_fail(sim, "referral %u is on case %llu, the model says %u", answer->referral,
                 (unsigned long long)stored.kase.v, sim->model.referral[answer->referral].kase);
    if (receipt->replayed != answer->replayed)
        sim_fail(sim, "referral %u: replayed is %d", answer->referral, receipt->replayed);
    if (receipt->joined != (sees && answer->joined))
        sim_fail(sim, "referral %u: joined is %d", answer->referral, receipt->joined);
    if (receipt->status != (sees ? k->status : RFL_STATUS_RECEIVED))
        sim_fail(sim, "referral %u: the receipt says %s", answer->referral,
                 rfl_status_word((enum rfl_status)receipt->status));
    if (!sees && (receipt->area.len > 0 || receipt->queue.len > 0 || receipt->due_ms != 0))
        sim_fail(sim, "referral %u: a receipt through door %s tells the place", answer->referral,
                 rfl_door_name((enum rfl_door)door));
}

/* A daemon that is stopping takes nothing new, and answers for what it has. */
static bool refused_by_drain(const struct sim *sim, unsigned source, uint32_t reference, uint8_t door)
{
    const uint8_t *doors = model_sources[source].doors;
    bool may = door != RFL_DOOR_NONE && (doors[0] == door || doors[1] == door || doors[2] == door);
    return sim->draining && may && m_find_reference(&sim->model, source, reference) == 0;
}

static void submit(struct sim *sim, unsigned source, uint32_t reference, const struct m_form *in, const char *how)
{
    char name[24];
    struct rfl_ask ask = { .kind = RFL_MSG_SUBMIT };
    (void)snprintf(name, sizeof name, "ref-%u", reference);
    ask.referral = sim_bytes_of(in, &ask.form);
    ask.reference = sim_text(name);
    ask.source = model_sources[source].name == NULL ? sim_text("nobody") : sim_text(model_sources[source].name);
    struct m_answer answer = refused_by_drain(sim, source, reference, in->door)
                                 ? (struct m_answer){ .code = RFL_CODE_DRAINING }
                                 : model_submit(&sim->model, source, reference, in);
    uint16_t kase = answer.referral != 0 ? sim->model.referral[answer.referral].kase : 0;
    sim_say(sim, "%s %s %s person %u keys %u place %u door %s > %s, referral %u, case %u",
            source == 0 ? "nobody" : model_sources[source].name, how, name, in->person, in->keys, in->place,
            rfl_door_name((enum rfl_door)in->door), rfl_code_name(answer.code), answer.referral, kase);
    const struct rfl_reply *reply = sim_ask(sim, SIM_DOOR_SESSION + source, &ask);
    if (sim_expect(sim, reply, &answer, RFL_MSG_RECEIPT))
        check_receipt(sim, &reply->receipt, &answer, sim->model.referral[answer.referral].form.door);
}

static uint16_t some_referral(struct sim *sim)
{
    unsigned count = sim->model.referrals, recent = count < 30 ? count : 30;
    if (count == 0)
        return 0;
    return (uint16_t)(sim_chance(sim, 128) ? count - sim_below(sim, recent) : 1 + sim_below(sim, count));
}

static void submit_strange(struct sim *sim)
{
    unsigned source = some_source(sim);
    struct m_form form = sim_some_form(sim, source);
    unsigned luck = sim_below(sim, 3);
    if (luck == 0)
        form.door = RFL_DOOR_NONE;
    else if (luck == 1)
        form.door = (uint8_t)(1 + sim_below(sim, RFL_DOOR_COUNT - 1));
    else
        source = 0;
    submit(sim, source, sim->next_reference++, &form, "sends what is odd");
}

static void submit_again(struct sim *sim, bool otherwise)
{
    uint16_t n = some_referral(sim);
    if (n == 0)
        return;
    struct m_referral r = sim->model.referral[n];
    if (otherwise)
        r.form.body = sim->next_body++;
    submit(sim, r.source, r.reference, &r.form, otherwise ? "changes" : "resends");
}

/* ---- Status ---- */

static enum rfl_status coarse(uint8_t status)
{
    if (status == RFL_STATUS_CLOSED)
        return RFL_STATUS_CLOSED;
    return status == RFL_STATUS_ACCEPTED || status == RFL_STATUS_WAITING_ON_PERSON || status == RFL_STATUS_ACTIVE
               ? RFL_STATUS_ACCEPTED : RFL_STATUS_RECEIVED;
}

static void ask_status(struct sim *sim)
{
    uint16_t n = some_referral(sim);
    unsigned source = n == 0 || sim_chance(sim, 30) ? some_source(sim) : sim->model.referral[n].source;
    struct rfl_ask ask = { .kind = RFL_MSG_STATUS_QUERY, .source = sim_text(model_sources[source].name) };
    struct m_answer answer = { .code = RFL_CODE_NOT_FOUND };
    ask.code = sim_text(n == 0 ? "WW-0000-0000" : sim_code_of_referral(sim, n));
    if (n != 0 && sim->model.referral[n].source == source)
        answer.code = RFL_CODE_OK;
    sim_say(sim, "%s asks for the status of referral %u > %s", model_sources[source].name, n,
            rfl_code_name(answer.code));
    const struct rfl_reply *reply = sim_ask(sim, SIM_DOOR_SESSION + source, &ask);
    if (!sim_expect(sim, reply, &answer, RFL_MSG_STATUS_REPORT))
        return;
    const struct rfl_msg_status_report *report = &reply->status_report;
    const struct m_case *k = &sim->model.kase[sim->model.referral[n].kase];
    uint8_t door = sim->model.referral[n].form.door;
    bool sees = door == RFL_DOOR_GP || door == RFL_DOOR_SELF;
    if (k->linked_to != 0)
        k = &sim->model.kase[k->linked_to];
    if (report->status != (sees ? k->status : coarse(k->status)))
        sim_fail(sim, "referral %u: the report says %s", n, rfl_status_word((enum rfl_status)report->status));
    if (sees != (report->owner.len > 0) || (sees && report->due_ms != k->due_ms) || (!sees && report->due_ms != 0))
        sim_fail(sim, "referral %u: the report names an owner or an end that it should not, or does not", n);
}

/* ---- mailbox ---- */

static void open_mailbox(struct sim *sim)
{
    unsigned source = some_source(sim);
    struct rfl_ask ask = { .kind = RFL_MSG_MAILBOX_OPEN, .source = sim_text(model_sources[source].name),
                           .credit = 1 + sim_below(sim, 20) };
    struct m_answer answer = { .code = RFL_CODE_OK };
    sim_say(sim, "%s opens its mailbox, credit %u", model_sources[source].name, ask.credit);
    const struct rfl_reply *reply = sim_ask(sim, SIM_DOOR_SESSION + source, &ask);
    if (sim_expect(sim, reply, &answer, RFL_MSG_MAILBOX_OPENED) &&
        (reply->mailbox_opened.acknowledged != sim->model.acked[source] ||
         reply->mailbox_opened.last != sim->model.mails[source]))
        sim_fail(sim, "source %u: mailbox %llu to %llu, the model says %u to %u", source,
                 (unsigned long long)reply->mailbox_opened.acknowledged,
                 (unsigned long long)reply->mailbox_opened.last, sim->model.acked[source], sim->model.mails[source]);
}

static void acknowledge(struct sim *sim)
{
    unsigned source = some_source(sim);
    uint16_t *acked = &sim->model.acked[source], last = sim->model.mails[source];
    struct rfl_ask ask = { .kind = RFL_MSG_FEEDBACK_ACK, .source = sim_text(model_sources[source].name),
                           .upto = 1 + sim_below(sim, last + 2u) };
    struct m_answer answer = { .code = RFL_CODE_OK };
    uint16_t upto = ask.upto > last ? last : (uint16_t)ask.upto;
    sim_check_mails(sim);
    if (upto > *acked)
        *acked = upto;
    sim_say(sim, "%s acknowledges up to %llu", model_sources[source].name, (unsigned long long)ask.upto);
    const struct rfl_reply *reply = sim_ask(sim, SIM_DOOR_SESSION + source, &ask);
    if (sim_expect(sim, reply, &answer, RFL_MSG_ACKED) && reply->acked.upto != *acked)
        sim_fail(sim, "source %u: acknowledged %llu, the model says %u", source,
                 (unsigned long long)reply->acked.upto, *acked);
}

static const char *detail_word(const struct m_mail *mail)
{
    if (mail->detail == 0)
        return "";
    return mail->word == M_OUTCOME ? rfl_outcome_word((enum rfl_outcome)mail->detail)
                                   : rfl_close_word((enum rfl_close)mail->detail);
}

static bool says(struct rfl_view view, const char *text)
{
    return view.len == strlen(text) && (view.len == 0 || memcmp(view.p, text, view.len) == 0);
}

void sim_check_feedback(struct sim *sim, const struct rfl_msg_feedback *feedback, uint64_t session)
{
    unsigned source = (unsigned)(session - SIM_DOOR_SESSION);
    if (source >= M_SOURCES || feedback->sequence == 0 || feedback->sequence > sim->model.mails[source])
        sim_fail(sim, "feedback that nobody is to have");
    const struct m_mail *mail = &sim->model.mail[source][feedback->sequence - 1];
    const struct rfl_policy *policy = sim->policies[sim->policy];
    const struct rfl_queue *queue = rfl_policy_queue(policy, (struct rfl_queue_no){ mail->provider });
    struct rfl_view provider = queue != NULL ? rfl_policy_text(policy, queue->name)
                                             : (struct rfl_view){ NULL, 0 };
    if (!says(feedback->word, model_word((enum m_word)mail->word)) || !says(feedback->detail, detail_word(mail)) ||
        feedback->provider.len != provider.len ||
        (provider.len > 0 && memcmp(feedback->provider.p, provider.p, provider.len) != 0))
        sim_fail(sim, "source %u, referral %u is told %.*s (%.*s) [%.*s], the model says %s (%s) [%.*s]", source,
                 mail->referral, (int)feedback->word.len, (const char *)feedback->word.p, (int)feedback->detail.len,
                 (const char *)feedback->detail.p, (int)feedback->provider.len, (const char *)feedback->provider.p,
                 model_word((enum m_word)mail->word), detail_word(mail), (int)provider.len, (const char *)provider.p);
    if (!says(feedback->receipt, sim_code_of_referral(sim, mail->referral)))
        sim_fail(sim, "source %u: mail %llu is about another referral than the model's", source,
                 (unsigned long long)feedback->sequence);
    sim->tally.feedback++;
}

/* ---- amend, withdraw ---- */

static void amend(struct sim *sim)
{
    uint16_t n = some_referral(sim);
    if (n == 0)
        return;
    const struct m_referral *r = &sim->model.referral[n];
    struct m_form form = r->newest;
    char name[24];
    form.body = sim->next_body++;
    if (sim_chance(sim, 80))
        form.place = (uint8_t)sim_below(sim, M_PLACES);
    if (sim_chance(sim, 80))
        form.consent = (uint8_t)sim_below(sim, RFL_CONSENT_COUNT);
    if (sim_chance(sim, 40))
        form.off_sick = !form.off_sick;
    if (sim_chance(sim, 60))
        form.band = (uint8_t)sim_below(sim, RFL_BAND_COUNT);
    struct rfl_ask ask = { .kind = RFL_MSG_AMEND, .source = sim_text(model_sources[r->source].name),
                           .version = r->amendments + (sim_chance(sim, 30) ? sim_below(sim, 3) : 0u) };
    unsigned source = r->source;
    uint32_t reference = r->reference;
    (void)snprintf(name, sizeof name, "ref-%u", reference);
    ask.referral = sim_bytes_of(&form, &ask.form);
    ask.reference = sim_text(name);
    struct m_answer answer = model_amend(&sim->model, source, reference, &form, ask.version);
    answer.status = 0;                  /* what it says of the status is what the door may see of it */
    sim_say(sim, "%s amends referral %u (place %u, consent %s) > %s", model_sources[source].name, n, form.place,
            rfl_consent_word((enum rfl_consent)form.consent), rfl_code_name(answer.code));
    const struct rfl_reply *reply = sim_ask(sim, SIM_DOOR_SESSION + source, &ask);
    (void)sim_expect(sim, reply, &answer, RFL_MSG_CHANGED);
}

static void withdraw(struct sim *sim)
{
    uint16_t n = some_referral(sim);
    if (n == 0)
        return;
    const struct m_referral *r = &sim->model.referral[n];
    char name[24];
    (void)snprintf(name, sizeof name, "ref-%u", r->reference);
    struct rfl_ask ask = { .kind = RFL_MSG_WITHDRAW, .source = sim_text(model_sources[r->source].name),
                           .reference = sim_text(name),
                           .reason = (uint8_t)(1 + sim_below(sim, RFL_WITHDRAW_COUNT - 1)) };
    unsigned source = r->source;
    struct m_answer answer = model_withdraw(&sim->model, source, r->reference, (enum rfl_withdraw)ask.reason);
    answer.status = 0;
    sim_say(sim, "%s withdraws referral %u: %s > %s", model_sources[source].name, n,
            rfl_withdraw_word((enum rfl_withdraw)ask.reason), rfl_code_name(answer.code));
    const struct rfl_reply *reply = sim_ask(sim, SIM_DOOR_SESSION + source, &ask);
    (void)sim_expect(sim, reply, &answer, RFL_MSG_CHANGED);
}

static void submit_new(struct sim *sim)
{
    unsigned source = sim_chance(sim, sim->habits.flood) ? sim->habits.flooded : some_source(sim);
    struct m_form form = sim_some_form(sim, source);
    submit(sim, source, sim->next_reference++, &form, "refers");
}

void sim_adapter(struct sim *sim, enum sim_deed deed)
{
    switch ((int)deed) {
    case SIM_NEW: submit_new(sim); break;
    case SIM_RESEND: submit_again(sim, false); break;
    case SIM_CONFLICT: submit_again(sim, true); break;
    case SIM_STRANGE: submit_strange(sim); break;
    case SIM_STATUS: ask_status(sim); break;
    case SIM_OPEN: open_mailbox(sim); break;
    case SIM_ACK: acknowledge(sim); break;
    case SIM_AMEND: amend(sim); break;
    default: withdraw(sim); break;
    }
}

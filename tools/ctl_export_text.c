/* The words of a person's export: plain sentences for somebody who never heard of cases and queues. */
#include <time.h>

#include "ctl_export.h"

enum { WHEN_BYTES = 48 };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void when_of(const json_t *object, const char *key, char out[WHEN_BYTES])
{
    time_t seconds = (time_t)(json_integer_value(json_object_get(object, key)) / 1000);
    struct tm tm;
    if (localtime_r(&seconds, &tm) == NULL || strftime(out, WHEN_BYTES, "%d %B %Y, %H:%M", &tm) == 0)
        out[0] = '\0';
}

/* What programs call something, and what people do. */
struct said { const char *word, *plain; };

static const char *plain_of(const struct said *list, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].word, word) == 0)
            return list[i].plain;
    return word;
}
#define PLAIN(list, word) plain_of(list, sizeof list / sizeof list[0], word)

static const struct said doors[] = {
    { "gp", "a GP surgery" }, { "employer", "an employer" }, { "jobcentre", "a Jobcentre" },
    { "self", "yourself" }, { "local_service", "a local service" }, { "pharmacist", "a pharmacist" },
    { "fit_note_service", "a fit note service" }, { "provider", "a provider" }, { "other", "somebody else" } };

static const struct said labels[] = {
    { "name", "Name" }, { "date_of_birth", "Date of birth" }, { "nhs_number", "NHS number" },
    { "nino", "National Insurance number" }, { "postcode", "Postcode" }, { "address", "Address" },
    { "phone", "Phone" }, { "email", "Email" }, { "language", "Language" }, { "contact_notes", "How to contact you" },
    { "gp_practice", "GP surgery (its code)" }, { "jobcentre", "Jobcentre" }, { "referrer_area", "Area (its code)" },
    { "consent", "Your agreement" }, { "employment", "Work" }, { "weeks_out_of_work", "Weeks out of work" },
    { "main_barrier", "Main health problem (a number of the Labour Force Survey's list)" }, { "reason", "Why" },
    { "needs", "What you need" }, { "safeguarding", "A worry about safety" }, { "incident", "An incident" },
    { "interpreter", "Needs an interpreter" }, { "step_free", "Needs step-free access" }, { "door", "Came from" },
    { "role", "Their role" }, { "organisation", "Their organisation" }, { "made_ms", "Written at (ms since 1970)" },
    { "band", "Urgency" }, { "door_code", "The sender's own kind of referral" },
    { "correlation_id", "The sender's own number" }, { "notify", "What the sender wants to hear of" } };

static const struct said events[] = {
    { "received", "A referral for you was received from" }, { "joined", "Another referral for you came in, from" },
    { "routed", "You were put in the waiting list of" }, { "unplaced", "You were given to a triage desk, to find the "
      "right place:" }, { "held", "Your case was put on hold:" }, { "offered", "Your case was offered to a worker" },
    { "touched", "The worker asked for more time" }, { "lapsed", "The worker did not answer in time" },
    { "returned", "The worker gave your case back" }, { "accepted", "A provider said yes" },
    { "declined", "A provider proposed to say no:" }, { "redirected", "A provider passed you on:" },
    { "deferred", "A provider asked to see you later" }, { "released", "The hold ended" },
    { "contacted", "You were reached, by" }, { "tried", "Somebody tried to reach you, by" },
    { "started", "The work with you began; your work then:" }, { "outcome", "An outcome was written down:" },
    { "closed", "Your case was closed:" }, { "escalated", "It took too long, so somebody higher up was asked" },
    { "parked", "It was offered too often without an answer, so a person had to look" },
    { "warned", "A deadline came near, at" }, { "moved", "Your case was taken out, to be put in another place" },
    { "sent_back", "Triage did not agree with the no" }, { "amended", "A referral for you was corrected" },
    { "withdrawn", "A referral for you was taken back:" }, { "paused", "Triage put your case on hold" },
    { "resembled", "Another case was thought to be perhaps about you:" },
    { "linked", "Joined to another case of yours:" },
    { "unlinked", "Taken apart again from another case:" }, { "kept", "A legal hold was placed: it may not be erased" },
    { "unkept", "The legal hold was ended" }, { "revealed", "Somebody read your personal data (see below)" },
    { "erased", "Your personal data was erased" } };

static const struct said reasons[] = {
    { "by_postcode", "your postcode" }, { "by_gp_practice", "your GP surgery" }, { "by_jobcentre", "your Jobcentre" },
    { "by_referrer_area", "the area of whoever referred you" }, { "by_rule", "a rule of your area" },
    { "no_key", "nothing being known that says where you live" },
    { "all_keys_unusable", "nothing usable being known that says where you live" },
    { "outside_england", "your address being outside England" } };

static const struct said words[] = {
    { "held", "that your agreement is missing" }, { "waiting", "that nobody has said yes so far" },
    { "accepted", "that a provider said yes" }, { "with_the_service", "that you are with the service" },
    { "redirected", "that another provider has your case" }, { "started", "that the work began" },
    { "outcome", "the outcome" }, { "closed", "that your case was closed" } };

static void put(FILE *out, const char *text) { ctl_put_view(out, rfl_view_of(text)); }

/* ---- what was sent ---- */

static void put_value(FILE *out, const json_t *value)
{
    size_t i;
    json_t *item;
    if (json_is_string(value))
        put(out, json_string_value(value));
    else if (json_is_integer(value))
        fprintf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_true(value))
        fputs("yes", out);
    json_array_foreach((json_t *)(uintptr_t)value, i, item) {
        fputs(i > 0 ? ", " : "", out);
        put_value(out, item);
    }
}

static void put_details(FILE *out, const json_t *object, const char *whose)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (json_is_object(value)) {
            put_details(out, value, strcmp(key, "referrer") == 0 ? "Who referred: " : "");
            continue;
        }
        fprintf(out, "- %s%s: ", whose, PLAIN(labels, key));
        put_value(out, value);
        fputc('\n', out);
    }
}

static bool has_referral(const json_t *part) { return json_object_size(json_object_get(part, "referral")) > 0; }

static void put_held(FILE *out, const json_t *parts)
{
    size_t i, sent = 0;
    json_t *part;
    char when[WHEN_BYTES];
    json_array_foreach((json_t *)(uintptr_t)parts, i, part) {
        if (!has_referral(part))
            continue;
        when_of(part, "at_ms", when);
        sent++;
        fprintf(out, "On %s this came from ", when);
        put(out, text_of(part, "actor"));
        fprintf(out, " (%s). Its receipt is %s; the sender calls it ", PLAIN(doors, text_of(part, "door")),
                text_of(part, "receipt"));
        put(out, text_of(part, "reference"));
        fputs(".\n\n", out);
        put_details(out, json_object_get(part, "referral"), "");
        fputc('\n', out);
    }
    if (sent == 0)
        fputs("Nothing: your personal data was erased from this case. What is left says no more who you are.\n\n", out);
}

/* What people wrote about the person: reasons, and words between provider and triage. */
static void put_written(FILE *out, const json_t *parts, bool readings)
{
    size_t i, written = 0;
    json_t *part;
    char when[WHEN_BYTES];
    json_array_foreach((json_t *)(uintptr_t)parts, i, part) {
        bool reading = strcmp(text_of(part, "event"), "revealed") == 0;
        if (has_referral(part) || reading != readings)
            continue;
        when_of(part, "at_ms", when);
        written++;
        fprintf(out, "- %s: ", when);
        put(out, text_of(part, "actor"));
        fputs(readings ? " read your personal data, because: \"" : " wrote: \"", out);
        put(out, text_of(part, "text"));
        fputs("\"", out);
        if (text_of(part, "role")[0] != '\0') {
            fputs(", as ", out);
            put(out, text_of(part, "role"));
        }
        if (text_of(part, "next_step")[0] != '\0') {
            fputs("; and proposed: \"", out);
            put(out, text_of(part, "next_step"));
            fputs("\"", out);
        }
        fputc('\n', out);
    }
    if (written == 0)
        fputs(readings ? "- Nobody so far.\n" : "- Nothing.\n", out);
    fputc('\n', out);
}

/* ---- what was decided, and who was told ---- */

static void put_timeline(FILE *out, const json_t *rows, bool cut)
{
    size_t i;
    json_t *row;
    char when[WHEN_BYTES];
    if (cut)
        fputs("- (Older steps are left out here; ask for the export with --json and the log.)\n", out);
    json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
        const char *event = text_of(row, "event"), *detail = text_of(row, "detail");
        when_of(row, "at_ms", when);
        fprintf(out, "- %s: %s", when, PLAIN(events, event));
        if (detail[0] != '\0') {
            fputc(' ', out);
            put(out, strcmp(event, "received") == 0 || strcmp(event, "joined") == 0 ? PLAIN(doors, detail) : detail);
        }
        fputs(" (by ", out);
        put(out, text_of(row, "actor"));
        fputs(")\n", out);
    }
    fputc('\n', out);
}

static void put_why(FILE *out, const json_t *explained)
{
    size_t i, k;
    json_t *one, *candidate;
    json_array_foreach((json_t *)(uintptr_t)explained, i, one) {
        const char *area = text_of(one, "area"), *queue = text_of(one, "queue");
        fprintf(out, "- Referral %s went to %s, because of %s. ", text_of(one, "code"),
                queue[0] != '\0' ? queue : area[0] != '\0' ? area : "the national triage desk",
                PLAIN(reasons, text_of(one, "reason")));
        json_array_foreach(json_object_get(one, "candidates"), k, candidate)
            if (json_is_true(json_object_get(candidate, "chosen")))
                fprintf(out, "That is in the area %s. ", text_of(candidate, "area"));
        fprintf(out, "Your agreement was: %s. The rules in force then have the number %s.\n", text_of(one, "consent"),
                text_of(one, "policy"));
    }
    fputc('\n', out);
}

static void put_told(FILE *out, const json_t *rows)
{
    size_t i;
    json_t *row;
    char when[WHEN_BYTES];
    json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
        when_of(row, "at_ms", when);
        fprintf(out, "- %s: ", when);
        put(out, text_of(row, "source"));
        fprintf(out, " (%s) was told %s", PLAIN(doors, text_of(row, "door")), PLAIN(words, text_of(row, "word")));
        if (text_of(row, "detail")[0] != '\0')
            fprintf(out, ": %s", text_of(row, "detail"));
        if (text_of(row, "provider")[0] != '\0')
            fprintf(out, ", and by whom: %s", text_of(row, "provider"));
        fprintf(out, ", because of its referral %s. %s\n", text_of(row, "receipt"),
                json_is_true(json_object_get(row, "acknowledged")) ? "It has said that it got this."
                                                                    : "It has not fetched this yet.");
    }
    if (json_array_size(rows) == 0)
        fputs("- Nobody was told anything beyond the receipt.\n", out);
    fputc('\n', out);
}

void ctl_export_print(const json_t *document, FILE *out)
{
    char when[WHEN_BYTES];
    size_t i;
    json_t *one;
    const json_t *cases = json_object_get(document, "cases");
    when_of(document, "made_ms", when);
    fprintf(out, "# What is held about you\n\nMade on %s by ", when);
    put(out, text_of(document, "made_by"));
    fputs(", because: \"", out);
    put(out, text_of(document, "why"));
    fprintf(out, "\".\n\nWorkWell helps people whose health gets in the way of work. Somebody referred you, or you "
            "did.\nThis is everything that the referral service holds about you: %zu case%s. A case is one journey, "
            "from a\nreferral to its end. A provider who said yes may hold more in its own records: ask them too.\n\n",
            json_array_size(cases), json_array_size(cases) == 1 ? "" : "s");
    json_array_foreach((json_t *)(uintptr_t)cases, i, one) {
        const json_t *row = json_object_get(one, "case"), *held = json_object_get(one, "held");
        when_of(row, "opened_ms", when);
        fprintf(out, "## Case %s, begun on %s, now: %s\n\n### What we hold, and where it came from\n\n",
                text_of(row, "case_code"), when, text_of(row, "status"));
        put_held(out, held);
        fputs("### What was decided, and why\n\n", out);
        put_why(out, json_object_get(one, "explained"));
        fputs("### What happened\n\n", out);
        put_timeline(out, json_object_get(one, "timeline"), json_is_true(json_object_get(one, "timeline_cut")));
        fputs("### What people wrote about it\n\n", out);
        put_written(out, held, false);
        fputs("### Who was told what, when and why\n\n", out);
        put_told(out, json_object_get(one, "told"));
        fputs("### Who looked at your personal data\n\n", out);
        put_written(out, held, true);
    }
}

/* A person and their data: read, found, erased, kept. What is typed never names anybody: that comes from standard
 * input, and goes to standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl_export.h"
#include "rfl_json.h"

/* ---- case reveal ---- */

static void print_fields(const json_t *object, const char *under)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (json_is_object(value)) {
            print_fields(value, key);
            continue;
        }
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        const char *shown = text != NULL ? text : json_string_value(value);
        printf("  %s%s%s: ", under, under[0] != '\0' ? "." : "", key);
        ctl_put_view(stdout, rfl_view_of(shown != NULL ? shown : ""));
        putchar('\n');
        free(text);
    }
}

static void print_said(const json_t *part, const char *key)
{
    const char *text = json_string_value(json_object_get(part, key));
    if (text == NULL || text[0] == '\0')
        return;
    printf("  %s: ", key);
    ctl_put_view(stdout, rfl_view_of(text));
    putchar('\n');
}

static int print_parts(const json_t *parts)
{
    size_t i;
    json_t *part;
    json_array_foreach((json_t *)(uintptr_t)parts, i, part) {
        char when[CTL_TIME_BYTES];
        ctl_time_text(json_integer_value(json_object_get(part, "at_ms")), ctl_now_ms(), when);
        printf("entry %lld  %s  %s  by ", (long long)json_integer_value(json_object_get(part, "sequence")), when,
               json_string_value(json_object_get(part, "event")));
        ctl_put_view(stdout, rfl_view_of(json_string_value(json_object_get(part, "actor"))));
        putchar('\n');
        static const char *const said[] = { "receipt", "reference", "text", "role", "next_step" };
        for (size_t k = 0; k < sizeof said / sizeof said[0]; k++)
            print_said(part, said[k]);
        print_fields(json_object_get(part, "referral"), "");
    }
    return CTL_OK;
}

int ctl_case_reveal(const struct ctl *ctl)
{
    struct ctl_talk talk;
    struct rfl_reply reply;
    struct rfl_ask ask = { .kind = RFL_MSG_REVEAL, .code = rfl_view_of(ctl->argv[0]) };
    int exit_code = ctl_act_begin(ctl, &ask);
    if (exit_code == CTL_OK)
        exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    else
        return exit_code;
    if (exit_code == CTL_OK && ctl->dry_run) {
        const struct rfl_ask show = { .kind = RFL_MSG_SHOW, .code = ask.code };
        exit_code = ctl_ask(ctl, &talk, &show, RFL_MSG_SHOWN, &reply);
        if (exit_code == CTL_OK)
            puts("dry run: with --execute the personal data of this case is shown, and the log says that you read it");
        ctl_talk_close(&talk);
        return exit_code;
    }
    json_t *parts = json_array();
    bool erased = false;
    if (exit_code == CTL_OK)
        exit_code = ctl_reveal_all(ctl, &talk, ctl->argv[0], &ask, parts, &erased);
    ctl_talk_close(&talk);
    if (exit_code == CTL_OK && ctl->json)
        return ctl_print_value(json_pack("{s:b, s:o}", "erased", (int)erased, "parts", parts));
    if (exit_code == CTL_OK && erased)
        puts("this person was erased: there is nothing left to read");
    else if (exit_code == CTL_OK)
        exit_code = print_parts(parts);
    json_decref(parts);
    return exit_code;
}

/* ---- who a person is, from standard input ---- */

struct asked_field { const char *name, *prompt; size_t at; };
static const struct asked_field fields[] = {
    { "nhs_number", "NHS number", offsetof(struct rfl_form, nhs_number) },
    { "nino", "National Insurance number", offsetof(struct rfl_form, nino) },
    { "name", "name", offsetof(struct rfl_form, name) },
    { "date_of_birth", "date of birth (YYYY-MM-DD)", offsetof(struct rfl_form, date_of_birth) },
    { "postcode", "postcode", offsetof(struct rfl_form, postcode) } };
enum { FIELDS = sizeof fields / sizeof fields[0], ANSWER_BYTES = 320 };

static void keep_answer(char *line, struct rfl_form *form, size_t at, char store[ANSWER_BYTES])
{
    line[strcspn(line, "\r\n")] = '\0';
    while (*line == ' ')
        line++;
    (void)snprintf(store, ANSWER_BYTES, "%s", line);
    const struct rfl_view view = rfl_view_of(store);
    memcpy((uint8_t *)form + at, &view, sizeof view);
}

/* On a terminal it asks one by one; else lines "nhs_number: ...", in any order. False: a line is neither. */
static bool read_person(struct rfl_form *form, char store[FIELDS][ANSWER_BYTES])
{
    char line[ANSWER_BYTES];
    bool terminal = isatty(STDIN_FILENO) == 1;
    for (size_t i = 0; terminal && i < FIELDS; i++) {
        fprintf(stderr, "%s (empty: not known): ", fields[i].prompt);
        if (fgets(line, sizeof line, stdin) == NULL)
            return true;
        keep_answer(line, form, fields[i].at, store[i]);
    }
    while (!terminal && fgets(line, sizeof line, stdin) != NULL) {
        size_t i = 0;
        char *colon = strchr(line, ':');
        while (i < FIELDS && (colon == NULL || strlen(fields[i].name) != (size_t)(colon - line) ||
                              memcmp(line, fields[i].name, (size_t)(colon - line)) != 0))
            i++;
        if (i == FIELDS)
            return false;
        keep_answer(colon + 1, form, fields[i].at, store[i]);
    }
    return true;
}

static void print_cases(const struct rfl_case_row *rows, uint32_t count)
{
    struct ctl_table table;
    ctl_table_init(&table, "CASE STATUS OPENED AREA LINKED_TO RESEMBLES BEFORE MARK");
    for (uint32_t i = 0; i < count; i++) {
        ctl_cell_view(&table, rows[i].case_code);
        ctl_cell(&table, "%s", rfl_status_word((enum rfl_status)rows[i].status));
        ctl_cell_time(&table, rows[i].opened_ms);
        ctl_cell_view(&table, rows[i].area);
        ctl_cell_view(&table, rows[i].linked_to);
        ctl_cell_view(&table, rows[i].resembles);
        ctl_cell_view(&table, rows[i].previous);
        ctl_cell(&table, "%s", rows[i].erased ? "erased" : rows[i].kept ? "legal hold" : "–");
    }
    ctl_table_print(&table, stdout);
}

static int show_found(const struct ctl *ctl, const struct rfl_reply *reply)
{
    (void)ctl;
    if (reply->subject_found.cases_count == 0)
        puts("nobody like that is known here");
    else
        print_cases(reply->subject_found.cases, reply->subject_found.cases_count);
    return CTL_OK;
}

int ctl_subject_find(const struct ctl *ctl)
{
    static char store[FIELDS][ANSWER_BYTES];
    static uint8_t body[RFL_BODY_BYTES_MAX];
    struct rfl_form form = { .door = RFL_DOOR_OTHER, .band = RFL_BAND_ROUTINE };
    struct rfl_ask ask = { .kind = RFL_MSG_SUBJECT_FIND };
    struct ctl_talk talk;
    struct rfl_reply reply;
    int exit_code = ctl_who_and_why(ctl, &ask);
    if (exit_code != CTL_OK)
        return exit_code;
    if (!read_person(&form, store))
        return ctl_fail(ctl, CTL_BAD_DATA, "a line of the input is not understood",
                        "lines such as \"nhs_number: ...\"; also nino, name, date_of_birth, postcode");
    ask.referral = (struct rfl_view){ body, rfl_wire_encode_form(&form, body, sizeof body) };
    exit_code = ctl_talk_open(ctl, ctl->admin, &talk);
    talk.invalid_remedy = "give an NHS number, or a National Insurance number, or name, date of birth and postcode";
    if (exit_code == CTL_OK)
        exit_code = ctl_ask(ctl, &talk, &ask, RFL_MSG_SUBJECT_FOUND, &reply);
    if (exit_code == CTL_OK)
        exit_code = ctl->json ? ctl_print_json(&reply) : show_found(ctl, &reply);
    ctl_talk_close(&talk);
    return exit_code;
}

/* ---- erase, hold, release ---- */

static int show_done(const struct ctl *ctl, const struct rfl_reply *reply)
{
    const struct rfl_msg_subject_done *done = &reply->subject_done;
    (void)ctl;
    fputs(done->dry_run ? "dry run, nothing was changed; it would be:" : "done:", stdout);
    for (uint32_t i = 0; i < done->events_count; i++) {
        putchar(' ');
        ctl_put_view(stdout, done->events[i]);
    }
    printf(", %u case%s of one person\n", (unsigned)done->cases_count, done->cases_count == 1 ? "" : "s");
    print_cases(done->cases, done->cases_count);
    return CTL_OK;
}

static int act_on_person(const struct ctl *ctl, enum rfl_message_kind kind)
{
    struct rfl_ask ask = { .kind = (uint8_t)kind, .code = rfl_view_of(ctl->argv[0]) };
    int exit_code = ctl_act_begin(ctl, &ask);
    if (exit_code == CTL_OK && kind == RFL_MSG_SUBJECT_ERASE && ask.why.len > RFL_WHY_BYTES_MAX)
        exit_code = ctl_fail(ctl, CTL_USAGE, "the reason of an erasure has at most 200 bytes",
                             "it stays readable for ever: shorten it, and name nobody in it");
    return exit_code == CTL_OK ? ctl_ask_once(ctl, ctl->admin, &ask, RFL_MSG_SUBJECT_DONE, show_done) : exit_code;
}

int ctl_subject_erase(const struct ctl *ctl) { return act_on_person(ctl, RFL_MSG_SUBJECT_ERASE); }
int ctl_subject_hold(const struct ctl *ctl) { return act_on_person(ctl, RFL_MSG_SUBJECT_HOLD); }
int ctl_subject_release(const struct ctl *ctl) { return act_on_person(ctl, RFL_MSG_SUBJECT_RELEASE); }

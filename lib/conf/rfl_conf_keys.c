#include "rfl_conf_keys.h"
#include "rfl_conf_walk.h"

#include <stdlib.h>
#include <sys/stat.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct rfl_keys {
    uint32_t count, queues_count, queues_room;
    uint32_t bucket_mask;
    uint32_t *bucket;                           /* 1 + index of an entry; 0 free; twice as many as entries at least */
    struct rfl_key_queue *queue;
    struct rfl_key_entry entry[];
};

const char *rfl_verb_word(enum rfl_verb verb)
{
    static const char *const words[RFL_VERB_COUNT] = {
#define X(name, word) [RFL_VERB_##name] = word,
        RFL_VERB_LIST(X)
#undef X
    };
    assert((unsigned)verb < RFL_VERB_COUNT);
    return words[verb];
}

const char *rfl_key_kind_word(enum rfl_key_kind kind)
{
    static const char *const words[RFL_KEY_KIND_COUNT] = { "source", "worker", "operator" };
    assert((unsigned)kind < RFL_KEY_KIND_COUNT);
    return words[kind];
}

const char *rfl_key_state_word(enum rfl_key_state state)
{
    static const char *const words[RFL_KEY_STATE_COUNT] = {
#define X(name, word) [RFL_KEY_##name] = word,
        RFL_KEY_STATE_LIST(X)
#undef X
    };
    assert((unsigned)state < RFL_KEY_STATE_COUNT);
    return words[state];
}

/* ---- asking ---- */

uint32_t rfl_keys_count(const struct rfl_keys *keys) { return keys->count; }

const struct rfl_key_entry *rfl_keys_get(const struct rfl_keys *keys, uint32_t at)
{
    assert(at < keys->count);
    return &keys->entry[at];
}

/* A stranger chooses the key that is looked for, but not those in the table, which are as random as keys are: so runs
 * of taken buckets stay short whatever is asked. */
static uint32_t *bucket_of(const struct rfl_keys *keys, const struct rfl_curve_key *public)
{
    uint32_t at;
    memcpy(&at, public->b, sizeof at);
    for (;; at++) {
        uint32_t *bucket = &keys->bucket[at & keys->bucket_mask];
        if (*bucket == 0 || memcmp(&keys->entry[*bucket - 1].public, public, sizeof *public) == 0)
            return bucket;
    }
}

const struct rfl_key_entry *rfl_keys_find(const struct rfl_keys *keys, const struct rfl_curve_key *public)
{
    uint32_t at = *bucket_of(keys, public);
    return at != 0 ? &keys->entry[at - 1] : NULL;
}

static bool same_text(const char *text, struct rfl_view view)
{
    return strlen(text) == view.len && memcmp(text, view.p, view.len) == 0;
}

const struct rfl_key_entry *rfl_keys_named(const struct rfl_keys *keys, struct rfl_view name)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if (same_text(keys->entry[i].name, name))
            return &keys->entry[i];
    return NULL;
}

const struct rfl_key_queue *rfl_keys_queue(const struct rfl_keys *keys, const struct rfl_key_entry *entry, uint32_t at)
{
    assert(at < entry->queues_count);
    return &keys->queue[entry->queues_first + at];
}

enum rfl_key_state rfl_key_state(const struct rfl_key_entry *entry, int64_t now_ms)
{
    if (entry->revoked)
        return RFL_KEY_REVOKED;
    if (now_ms < entry->from_ms)
        return RFL_KEY_NOT_YET;
    return now_ms < entry->until_ms ? RFL_KEY_GOOD : RFL_KEY_EXPIRED;
}

bool rfl_key_is_of(const struct rfl_key_entry *entry, enum rfl_key_kind kind, struct rfl_view who)
{
    return entry->kind == kind && same_text(entry->who, who);
}

bool rfl_key_may_use_door(const struct rfl_key_entry *entry, enum rfl_door door)
{
    return entry->kind == RFL_KEY_SOURCE && (entry->doors & 1u << door) != 0;
}

bool rfl_key_may_use_queue(const struct rfl_keys *keys, const struct rfl_key_entry *entry, struct rfl_view queue)
{
    for (uint32_t i = 0; i < entry->queues_count; i++) {
        const struct rfl_key_queue *own = rfl_keys_queue(keys, entry, i);
        size_t len = strlen(own->name);
        if (own->prefix ? queue.len > len && memcmp(own->name, queue.p, len) == 0 : same_text(own->name, queue))
            return true;
    }
    return false;
}

bool rfl_key_same_queues(const struct rfl_keys *a_keys, const struct rfl_key_entry *a, const struct rfl_keys *b_keys,
                         const struct rfl_key_entry *b)
{
    if (a->queues_count != b->queues_count)
        return false;
    for (uint32_t i = 0; i < a->queues_count; i++) {
        const struct rfl_key_queue *one = rfl_keys_queue(a_keys, a, i), *other = rfl_keys_queue(b_keys, b, i);
        if (one->prefix != other->prefix || strcmp(one->name, other->name) != 0)
            return false;
    }
    return true;
}

bool rfl_key_may(const struct rfl_key_entry *entry, enum rfl_verb verb)
{
    return entry->kind == RFL_KEY_OPERATOR && (entry->verbs & 1u << verb) != 0;
}

/* ---- reading ---- */

struct load { struct rfl_conf_at at; struct rfl_keys *keys; struct rfl_key_entry *entry; bool ok; };

static bool fail(struct load *load, config_setting_t *setting, const char *rule, const char *remedy)
{
    rfl__conf_complain(&load->at, setting, rule, remedy);
    load->ok = false;
    return false;
}

/* a-z 0-9 and inner hyphens; with `parts`, several parted by '/'. */
static bool is_slug(const char *text, size_t len, bool parts)
{
    bool edge = true;
    for (size_t i = 0; i < len; i++) {
        bool plain = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9');
        if (!plain && (edge || !(text[i] == '-' || (parts && text[i] == '/'))))
            return false;
        edge = !plain;
    }
    return !edge && len <= RFL_NAME_BYTES_MAX;
}

/* Printable ASCII that needs no quoting anywhere. */
static bool is_text(const char *text, size_t cap)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '"' || text[i] == '\\')
            return false;
    return len > 0 && len < cap;
}

static bool take_text(struct load *load, config_setting_t *group, const char *name, char *out, size_t cap)
{
    const char *text = rfl__conf_text(group, name);
    if (!is_text(text, cap))
        return fail(load, rfl__conf_member(group, name), "it is empty, too long, or has characters that need quoting",
                    "use plain letters, digits and spaces; names at most 64, owners at most 200");
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool take_date(struct load *load, config_setting_t *group, const char *name, int64_t *out)
{
    struct rfl_date date;
    if (rfl_conf_parse_date(rfl__conf_text(group, name), &date) != RFL_E_OK)
        return fail(load, rfl__conf_member(group, name), "this is not a date", "write it as \"2026-04-01\"");
    *out = rfl_london_midnight_ms(date);
    return true;
}

static bool take_door(void *ctx, config_setting_t *item)
{
    struct load *load = ctx;
    for (unsigned door = 1; door < RFL_DOOR_COUNT; door++)
        if (strcmp(rfl_door_name((enum rfl_door)door), config_setting_get_string(item)) == 0) {
            load->entry->doors = (uint16_t)(load->entry->doors | 1u << door);
            return true;
        }
    return fail(load, item, "no door has that name", "gp employer jobcentre self local_service pharmacist "
                "fit_note_service provider other");
}

static bool take_verb(void *ctx, config_setting_t *item)
{
    struct load *load = ctx;
    for (unsigned verb = 0; verb < RFL_VERB_COUNT; verb++)
        if (strcmp(rfl_verb_word((enum rfl_verb)verb), config_setting_get_string(item)) == 0) {
            load->entry->verbs = (uint16_t)(load->entry->verbs | 1u << verb);
            return true;
        }
    return fail(load, item, "no verb has that name", "read triage queue policy keys audit subject reveal");
}

static bool take_queue(void *ctx, config_setting_t *item)
{
    struct load *load = ctx;
    const char *text = config_setting_get_string(item);
    size_t len = strlen(text);
    bool prefix = len > 2 && strcmp(text + len - 2, "/*") == 0;
    if (!is_slug(text, prefix ? len - 2 : len, true) || len > RFL_NAME_BYTES_MAX)
        return fail(load, item, "this is no queue", "write \"greater-manchester/intake\", or \"greater-manchester/*\"");
    struct rfl_keys *keys = load->keys;
    if (load->entry->queues_count == RFL_KEY_QUEUES_MAX)
        return fail(load, item, "a key has at most 512 queues", "use \"area/*\", or a second key");
    if (keys->queues_count == keys->queues_room) {
        uint32_t room = keys->queues_room == 0 ? 64 : 2 * keys->queues_room;
        void *grown = realloc(keys->queue, room * sizeof *keys->queue);
        if (grown == NULL)
            return fail(load, item, "there is no memory for it", "try again");
        keys->queue = grown;
        keys->queues_room = room;
    }
    struct rfl_key_queue *queue = &keys->queue[keys->queues_count++];
    memset(queue, 0, sizeof *queue);
    memcpy(queue->name, text, prefix ? len - 1 : len);      /* the '/' stays: "greater-manchester/" */
    queue->prefix = prefix;
    load->entry->queues_count++;
    return true;
}

static bool take_count(struct load *load, config_setting_t *group, const char *name, int most, uint32_t fallback,
                       uint32_t *out)
{
    config_setting_t *setting = rfl__conf_member(group, name);
    int value = rfl__conf_int(group, name);
    *out = setting == NULL ? fallback : (uint32_t)value;
    if (setting != NULL && (value < 1 || value > most))
        return fail(load, setting, "it is out of range", "rate: 1 to 1000000 a second; connections: 1 to 16384");
    return true;
}

/* Which kind the key is, and what goes with it: exactly one of three pairs. */
static bool take_kind(struct load *load, config_setting_t *group)
{
    static const struct { const char *who, *list; bool (*take)(void *ctx, config_setting_t *item); } kinds[] = {
        [RFL_KEY_SOURCE] = { "source", "doors", take_door },
        [RFL_KEY_WORKER] = { "worker", "queues", take_queue },
        [RFL_KEY_OPERATOR] = { "operator", "verbs", take_verb },
    };
    unsigned found = 0;
    bool paired = true;
    for (unsigned kind = 0; kind < COUNT(kinds); kind++) {
        bool who = rfl__conf_member(group, kinds[kind].who) != NULL;
        paired = paired && who == (rfl__conf_member(group, kinds[kind].list) != NULL);
        found += who;
        if (who)
            load->entry->kind = (uint8_t)kind;
    }
    if (found != 1 || !paired)
        return fail(load, group, "a key is of a source with doors, a worker with queues, or an operator with verbs",
                    "write one of these pairs, and no more");
    unsigned kind = load->entry->kind;
    config_setting_t *list = rfl__conf_member(group, kinds[kind].list);
    load->entry->queues_first = load->keys->queues_count;
    bool ok = take_text(load, group, kinds[kind].who, load->entry->who, sizeof load->entry->who);
    if (kind == RFL_KEY_SOURCE && ok && !is_slug(load->entry->who, strlen(load->entry->who), false))
        ok = fail(load, rfl__conf_member(group, "source"), "no source has such a name", "use a name of sources.conf");
    if (config_setting_length(list) == 0)
        ok = fail(load, list, "the list is empty, so the key could do nothing", "name something, or revoke the key");
    return rfl__conf_each(&load->at, list, RFL_CONF_IS_TEXT, kinds[kind].take, load) && ok;
}

/* Enters it into the hash; false and reported when the name or the key is there already. */
static bool enter(struct load *load, config_setting_t *group)
{
    struct rfl_keys *keys = load->keys;
    uint32_t *bucket = bucket_of(keys, &load->entry->public);
    if (*bucket != 0)
        return fail(load, rfl__conf_member(group, "public"), "this public key is in another entry already",
                    "a key has one entry; make another key for another use");
    for (uint32_t i = 0; i < keys->count; i++)
        if (strcmp(keys->entry[i].name, load->entry->name) == 0)
            return fail(load, rfl__conf_member(group, "name"), "another key has this name",
                        "give each key a name of its own, such as gp-north-2");
    *bucket = ++keys->count;
    return true;
}

static bool take_entry(void *ctx, config_setting_t *group)
{
    static const struct rfl_conf_member members[] = {
        { "name", RFL_CONF_IS_TEXT, true }, { "public", RFL_CONF_IS_TEXT, true }, { "owner", RFL_CONF_IS_TEXT, true },
        { "from", RFL_CONF_IS_TEXT, true }, { "until", RFL_CONF_IS_TEXT, true },
        { "revoked", RFL_CONF_IS_BOOL, false }, { "why", RFL_CONF_IS_TEXT, false },
        { "source", RFL_CONF_IS_TEXT, false }, { "doors", RFL_CONF_IS_LIST, false },
        { "worker", RFL_CONF_IS_TEXT, false }, { "queues", RFL_CONF_IS_LIST, false },
        { "operator", RFL_CONF_IS_TEXT, false }, { "verbs", RFL_CONF_IS_LIST, false },
        { "rate", RFL_CONF_IS_INT, false }, { "connections", RFL_CONF_IS_INT, false },
    };
    struct load *load = ctx;
    if (!rfl__conf_members(&load->at, group, members, COUNT(members)))
        return false;
    struct rfl_key_entry *entry = load->entry = &load->keys->entry[load->keys->count];
    memset(entry, 0, sizeof *entry);
    entry->line = (int)config_setting_source_line(group);
    config_setting_t *revoked = rfl__conf_member(group, "revoked");
    entry->revoked = revoked != NULL;
    bool ok = revoked == NULL || config_setting_get_bool(revoked) != 0
           || fail(load, revoked, "a key is revoked or it is not", "write revoked = true; or leave it out");
    ok = take_text(load, group, "name", entry->name, sizeof entry->name) && ok;
    if (entry->name[0] != '\0' && !is_slug(entry->name, strlen(entry->name), false))
        ok = fail(load, rfl__conf_member(group, "name"), "a name is a-z 0-9 and hyphens", "such as gp-north-2026");
    ok = take_text(load, group, "owner", entry->owner, sizeof entry->owner) && ok;
    ok = take_date(load, group, "from", &entry->from_ms) && ok;
    ok = take_date(load, group, "until", &entry->until_ms) && ok;
    if (ok && entry->until_ms <= entry->from_ms)
        ok = fail(load, rfl__conf_member(group, "until"), "it ends before it begins", "put a later date");
    ok = take_kind(load, group) && ok;
    ok = take_count(load, group, "rate", RFL_KEY_RATE_MAX, RFL_KEY_RATE_DEFAULT, &entry->rate) && ok;
    ok = take_count(load, group, "connections", RFL_KEY_CONNECTIONS_MAX, RFL_KEY_CONNECTIONS_DEFAULT,
                    &entry->connections) && ok;
    if (!rfl_key_from_z85(rfl__conf_view(rfl__conf_text(group, "public")), &entry->public))
        return fail(load, rfl__conf_member(group, "public"), "this is no public key: 40 characters of Z85",
                    "paste what referralctl keys new printed");
    rfl_key_fingerprint(&entry->public, entry->fingerprint);
    return ok && enter(load, group);
}

static enum rfl_err take_file(struct rfl_conf_file *file, struct rfl_conf_report *report, struct rfl_keys **out)
{
    static const struct rfl_conf_member members[] = { { "keys", RFL_CONF_IS_LIST, true } };
    struct load load = { .at = { report, rfl_conf_name(file) }, .ok = true };
    config_setting_t *root = rfl_conf_root(file);
    if (!rfl__conf_root_members(&load.at, root, members, COUNT(members)))
        return RFL_E_INVALID;
    config_setting_t *list = rfl__conf_member(root, "keys");
    int count = config_setting_length(list);
    uint32_t buckets = 4;
    if (count > RFL_KEYS_MAX) {
        rfl__conf_complain(&load.at, list, "there are more than 8192 keys", "take out those that ended long ago");
        return RFL_E_INVALID;
    }
    while (buckets < 2 * (uint32_t)count)
        buckets *= 2;
    load.keys = calloc(1, sizeof *load.keys + ((size_t)count + 1) * sizeof load.keys->entry[0]);
    if (load.keys == NULL)
        return RFL_E_MEMORY;
    load.keys->bucket_mask = buckets - 1;
    load.keys->bucket = calloc(buckets, sizeof *load.keys->bucket);
    enum rfl_err err = RFL_E_MEMORY;
    if (load.keys->bucket != NULL)
        err = rfl__conf_each(&load.at, list, RFL_CONF_IS_GROUP, take_entry, &load) && load.ok ? RFL_E_OK
                                                                                           : RFL_E_INVALID;
    if (err == RFL_E_OK)
        *out = load.keys;
    else
        rfl_keys_free(&load.keys);
    return err;
}

enum rfl_err rfl_keys_load_text(const char *name, struct rfl_view text, struct rfl_conf_report *report,
                                struct rfl_keys **out)
{
    struct rfl_conf_file *file = NULL;
    enum rfl_err err = rfl_conf_open_text(name, text, report, &file);
    if (err == RFL_E_OK)
        err = take_file(file, report, out);
    rfl_conf_free(&file);
    return err;
}

enum rfl_err rfl_keys_load(const char *path, struct rfl_conf_report *report, struct rfl_keys **out)
{
    struct stat st;
    struct rfl_conf_file *file = NULL;
    if (stat(path, &st) == 0 && (st.st_mode & 022) != 0) {
        rfl_conf_report_add(report, path, 0, NULL, "others than its owner can write it, and so let themselves in",
                            "chmod go-w it, and look at every entry");
        return RFL_E_INVALID;
    }
    enum rfl_err err = rfl_conf_open(path, report, &file);
    if (err == RFL_E_OK)
        err = take_file(file, report, out);
    rfl_conf_free(&file);
    return err;
}

void rfl_keys_free(struct rfl_keys **keys)
{
    if (*keys == NULL)
        return;
    free((*keys)->queue);
    free((*keys)->bucket);
    free(*keys);
    *keys = NULL;
}

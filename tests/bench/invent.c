#include "invent.h"

#include <stdio.h>

static const char areas[INVENT_AREAS][4] = {
    "QE1", "QF7", "QGH", "QHL", "QHM", "QJ2", "QJK", "QJM", "QK1", "QKK", "QKS", "QMF",
    "QNC", "QOC", "QOP", "QOQ", "QPM", "QR1", "QSL", "QT1", "QT6", "QUA", "QVV", "QWO",
};

/* Same lengths as what they are replaced with, and found nowhere else in a frame. */
static const char source_mark[] = "bench-#", reference_mark[] = "reference-##########", nhs_mark[] = "9990000###",
                  stamp_mark[] = "################";

uint64_t invent_shuffled(uint64_t n, unsigned bits)
{
    unsigned half = bits / 2;
    uint64_t mask = (UINT64_C(1) << half) - 1, left = n >> half & mask, right = n & mask;
    for (uint64_t round = 1; round <= 4; round++) {     /* a Feistel network permutes whatever its function is */
        uint64_t mixed = (right + round * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed ^= mixed >> 29;
        mixed *= UINT64_C(0x94d049bb133111eb);
        uint64_t next = left ^ (mixed >> 40 & mask);
        left = right;
        right = next;
    }
    return left << half | right;
}

bool invent_nhs_number(struct invent *invent, char out[10])
{
    enum { CURSOR_BITS = 20, MIDDLE_END = 1000000 };
    while (invent->nhs_cursor < 1u << CURSOR_BITS) {
        uint64_t middle = invent_shuffled(invent->nhs_cursor++, CURSOR_BITS);
        if (middle >= MIDDLE_END)
            continue;
        uint64_t digits = 999 * UINT64_C(1000000) + middle;
        unsigned sum = 0;
        for (unsigned weight = 2; weight <= 10; weight++) {
            out[10 - weight] = (char)('0' + digits % 10);
            sum += (unsigned)(digits % 10) * weight;
            digits /= 10;
        }
        unsigned check = (11 - sum % 11) % 11;
        if (check == 10)                                /* such numbers are never issued */
            continue;
        out[9] = (char)('0' + check);
        invent->nhs_used++;
        return true;
    }
    return false;
}

static struct rfl_view text(const char *s) { return (struct rfl_view){ (const uint8_t *)s, strlen(s) }; }

static size_t place_of(const struct invent_frame *frame, const char *mark, bool wanted)
{
    const uint8_t *at = memmem(frame->bytes, frame->len, mark, strlen(mark));
    assert((at != NULL) == wanted);
    return wanted ? (size_t)(at - frame->bytes) : 0;
}

static void make_frame(struct invent_frame *frame, const char *area, bool with_number)
{
    uint8_t body[INVENT_FRAME_BYTES];
    struct rfl_form form = { .door = RFL_DOOR_GP, .consent = RFL_CONSENT_GIVEN, .employment = RFL_EMPLOYMENT_OFF_SICK,
        .weeks_out_of_work = 6, .main_barrier = 3, .made_ms = INT64_C(1767225600000), .step_free = true,
        .name = text("Alexandra Invented-Person"), .date_of_birth = text("1979-03-14"),
        .address = text("Flat 3, 1000 Nowhere Street, Testville"), .phone = text("07700 900123"),
        .email = text("nobody@example.org"), .language = text("en"),
        .contact_notes = text("Weekday mornings; leaves the phone in another room, so please let it ring."),
        .referrer_name = text("Dr Invented"), .referrer_role = text("GP"), .referrer_phone = text("01632 960123"),
        .referrer_organisation = text("The Invented Surgery"), .referrer_area = text(area),
        .reason = text("Off sick for six weeks with a bad back; would like help with talking to the employer about "
                       "lighter work and a gradual return."),
        .correlation_id = text(stamp_mark) };
    form.needs[form.needs_count++] = text("workplace adjustments");
    form.needs[form.needs_count++] = text("pain management");
    if (with_number)
        form.nhs_number = text(nhs_mark);
    size_t body_bytes = rfl_wire_encode_form(&form, body, sizeof body);
    assert(body_bytes > 0);
    static struct rfl_ask ask;
    ask = (struct rfl_ask){ .kind = RFL_MSG_SUBMIT, .correlation = INVENT_CORRELATION_FIRST,
        .source = text(source_mark), .reference = text(reference_mark), .referral = { body, body_bytes } };
    frame->len = rfl_wire_encode_ask(&ask, frame->bytes, sizeof frame->bytes);
    /* Envelope.version = 1 and the tag of Envelope.correlation come first, whatever the rest is. */
    assert(frame->len > 8 && memcmp(frame->bytes, "\x08\x01\x10", 3) == 0);
    frame->correlation_at = 3;
    frame->source_at = place_of(frame, source_mark, true);
    frame->reference_at = place_of(frame, reference_mark, true);
    frame->nhs_number_at = place_of(frame, nhs_mark, with_number);
    frame->stamp_at = place_of(frame, stamp_mark, true);
}

void invent_init(struct invent *invent)
{
    memset(invent, 0, sizeof *invent);
    for (unsigned i = 0; i < INVENT_AREAS; i++) {
        make_frame(&invent->frame[0][i], areas[i], false);
        make_frame(&invent->frame[1][i], areas[i], true);
    }
}

static void put_hex(uint8_t *at, unsigned digits, uint64_t value)
{
    for (unsigned i = digits; i-- > 0; value >>= 4)
        at[i] = (uint8_t)"0123456789abcdef"[value & 15];
}

struct rfl_view invent_next(struct invent *invent, unsigned source, uint64_t correlation, uint64_t stamp)
{
    assert(source < INVENT_SOURCES);
    assert(correlation >= INVENT_CORRELATION_FIRST && correlation < INVENT_CORRELATION_END);
    char number[10];
    uint64_t n = invent->made++;
    bool with_number = n % 3 != 2 && invent_nhs_number(invent, number);
    struct invent_frame *frame = &invent->frame[with_number][n % INVENT_AREAS];
    for (unsigned i = 0; i < 5; i++)
        frame->bytes[frame->correlation_at + i] = (uint8_t)((correlation >> 7 * i & 127) | (i < 4 ? 128 : 0));
    frame->bytes[frame->source_at + sizeof source_mark - 2] = (uint8_t)('0' + source);
    put_hex(frame->bytes + frame->reference_at, 10, invent_shuffled(n, 40));
    put_hex(frame->bytes + frame->reference_at + 10, 10, invent_shuffled(n ^ 0x5555, 40));
    if (with_number)
        memcpy(frame->bytes + frame->nhs_number_at, number, sizeof number);
    put_hex(frame->bytes + frame->stamp_at, 16, stamp);
    return (struct rfl_view){ frame->bytes, frame->len };
}

uint64_t invent_stamp_of(struct rfl_view referral)
{
    /* correlation_id is field 20 (tag 0xa2 0x01) and has 16 bytes. */
    const uint8_t *at = memmem(referral.p, referral.len, "\xa2\x01\x10", 3);
    if (at == NULL || (size_t)(referral.p + referral.len - at) < 19)
        return 0;
    uint64_t stamp = 0;
    for (unsigned i = 0; i < 16; i++) {
        uint8_t c = at[3 + i];
        stamp = stamp << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return stamp;
}

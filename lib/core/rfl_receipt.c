#include "rfl_receipt.h"

enum { ROUNDS = 10, LEFT_BITS = 18, RIGHT_BITS = 17, DATA_SYMBOLS = 7, SYMBOLS = 8 };

static_assert(LEFT_BITS + RIGHT_BITS == 5 * DATA_SYMBOLS, "the permutation covers the data symbols, no more, no less");

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const char kind_letter[RFL_RECEIPT_KIND_COUNT] = { [RFL_RECEIPT_REFERRAL] = 'W', [RFL_RECEIPT_CASE] = 'C' };

/* What the weighted sum of a kind comes to. "WW-C" and "WC-W" are a swap of neighbours once the dash is lost: C and W
 * differ by 16 in the alphabet, and 16 times the first weight is not 1, the difference of these two. */
static const uint8_t kind_sum[RFL_RECEIPT_KIND_COUNT] = { [RFL_RECEIPT_REFERRAL] = 0, [RFL_RECEIPT_CASE] = 1 };

static uint64_t rotl(uint64_t x, unsigned bits) { return x << bits | x >> (64 - bits); }

static uint64_t load_le64(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned i = 8; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static void sip_rounds(uint64_t v[4], unsigned count)
{
    while (count-- > 0) {
        v[0] += v[1];
        v[1] = rotl(v[1], 13) ^ v[0];
        v[0] = rotl(v[0], 32);
        v[2] += v[3];
        v[3] = rotl(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotl(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotl(v[1], 17) ^ v[2];
        v[2] = rotl(v[2], 32);
    }
}

uint64_t rfl__receipt_mix(const struct rfl_receipt_key *key, uint64_t word)
{
    uint64_t k0 = load_le64(key->b), k1 = load_le64(key->b + 8);
    uint64_t v[4] = { k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                      k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573) };
    const uint64_t words[2] = { word, UINT64_C(8) << 56 };      /* the last word of eight bytes holds their count */
    for (unsigned i = 0; i < 2; i++) {
        v[3] ^= words[i];
        sip_rounds(v, 2);
        v[0] ^= words[i];
    }
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* One round changes one half by a function of the other, so doing it again undoes it: the whole is a permutation
 * whatever the round function is. */
static void feistel_round(const struct rfl_receipt_key *key, enum rfl_receipt_kind kind, unsigned round,
                          uint32_t half[2])
{
    unsigned changed = round % 2;
    uint32_t mask = (UINT32_C(1) << (changed == 0 ? LEFT_BITS : RIGHT_BITS)) - 1;
    uint64_t word = (uint64_t)kind << 40 | (uint64_t)round << 32 | half[1 - changed];
    half[changed] ^= (uint32_t)rfl__receipt_mix(key, word) & mask;
}

static uint64_t permute(const struct rfl_receipt_key *key, enum rfl_receipt_kind kind, uint64_t id)
{
    uint32_t half[2] = { (uint32_t)(id >> RIGHT_BITS), (uint32_t)id & ((UINT32_C(1) << RIGHT_BITS) - 1) };
    for (unsigned round = 0; round < ROUNDS; round++)
        feistel_round(key, kind, round, half);
    return (uint64_t)half[0] << RIGHT_BITS | half[1];
}

static uint64_t unpermute(const struct rfl_receipt_key *key, enum rfl_receipt_kind kind, uint64_t code)
{
    uint32_t half[2] = { (uint32_t)(code >> RIGHT_BITS), (uint32_t)code & ((UINT32_C(1) << RIGHT_BITS) - 1) };
    for (unsigned round = ROUNDS; round-- > 0;)
        feistel_round(key, kind, round, half);
    return (uint64_t)half[0] << RIGHT_BITS | half[1];
}

/* Horner's rule in GF(32): the symbol read last weighs 1, each one before it x times as much. x has order 31, so the
 * eight weights differ. */
static uint8_t weighted_sum(const uint8_t *symbol, size_t count)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t doubled = (uint8_t)(sum << 1);
        sum = (uint8_t)((doubled & 32 ? doubled ^ 37 : doubled) ^ symbol[i]);
    }
    return sum;
}

enum rfl_err rfl_receipt_encode(const struct rfl_receipt_key *key, enum rfl_receipt_kind kind, uint64_t id,
                                char out[RFL_RECEIPT_BYTES])
{
    assert((unsigned)kind < RFL_RECEIPT_KIND_COUNT);
    memset(out, 0, RFL_RECEIPT_BYTES);
    if (id == 0 || id > RFL_RECEIPT_ID_MAX)
        return RFL_E_INVALID;
    uint64_t code = permute(key, kind, id);
    uint8_t symbol[SYMBOLS];
    for (unsigned i = 0; i < DATA_SYMBOLS; i++)
        symbol[i] = code >> (5 * (DATA_SYMBOLS - 1 - i)) & 31;
    symbol[DATA_SYMBOLS] = 0;
    symbol[DATA_SYMBOLS] = weighted_sum(symbol, SYMBOLS) ^ kind_sum[kind];
    size_t at = 0;
    out[at++] = 'W';
    out[at++] = kind_letter[kind];
    for (unsigned i = 0; i < SYMBOLS; i++) {
        if (i % 4 == 0)
            out[at++] = '-';
        out[at++] = alphabet[symbol[i]];
    }
    assert(at == RFL_RECEIPT_BYTES - 1);
    return RFL_E_OK;
}

/* Upper case, with the four letters that are never written taken for what they look like; 0 when neither letter nor
 * digit. */
static char read_as(uint8_t c)
{
    if (c >= 'a' && c <= 'z')
        c = (uint8_t)(c - 'a' + 'A');
    if (c == 'I' || c == 'L')
        return '1';
    if (c == 'O')
        return '0';
    if (c == 'U')
        return 'V';
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ? (char)c : '\0';
}

static uint8_t symbol_of(char c)
{
    uint8_t i = 0;
    while (alphabet[i] != c)        /* read_as gives nothing that is not in it */
        i++;
    return i;
}

enum rfl_err rfl_receipt_decode(const struct rfl_receipt_key *key, struct rfl_view text, enum rfl_receipt_kind *kind,
                                uint64_t *id)
{
    if (text.len > RFL_RECEIPT_TEXT_BYTES_MAX)
        return RFL_E_INVALID;
    char chars[2 + SYMBOLS];
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == ' ' || text.p[i] == '-')
            continue;
        char c = read_as(text.p[i]);
        if (c == '\0' || count == sizeof chars)
            return RFL_E_INVALID;
        chars[count++] = c;
    }
    if (count != sizeof chars || chars[0] != 'W')
        return RFL_E_INVALID;
    unsigned found = 0;
    while (found < RFL_RECEIPT_KIND_COUNT && kind_letter[found] != chars[1])
        found++;
    uint8_t symbol[SYMBOLS];
    uint64_t code = 0;
    for (unsigned i = 0; i < SYMBOLS; i++) {
        symbol[i] = symbol_of(chars[2 + i]);
        code = i < DATA_SYMBOLS ? code << 5 | symbol[i] : code;
    }
    if (found == RFL_RECEIPT_KIND_COUNT || weighted_sum(symbol, SYMBOLS) != kind_sum[found])
        return RFL_E_INVALID;
    uint64_t number = unpermute(key, (enum rfl_receipt_kind)found, code);
    if (number == 0)
        return RFL_E_INVALID;
    *kind = (enum rfl_receipt_kind)found;
    *id = number;
    return RFL_E_OK;
}

#include "rfl_bytes.h"

static const uint8_t *take(struct rfl_rd *r, size_t n)
{
    if (r->bad || r->left < n) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += n;
    r->left -= n;
    return p;
}

void rfl_rd_bytes(struct rfl_rd *r, void *out, size_t n)
{
    const uint8_t *p = take(r, n);
    if (p == NULL)
        memset(out, 0, n);
    else if (n > 0)
        memcpy(out, p, n);
}

struct rfl_view rfl_rd_view(struct rfl_rd *r, size_t n)
{
    const uint8_t *p = take(r, n);
    return p == NULL ? (struct rfl_view){ NULL, 0 } : (struct rfl_view){ p, n };
}

bool rfl_rd_done(const struct rfl_rd *r) { return !r->bad && r->left == 0; }

void rfl_wr_bytes(struct rfl_wr *w, const void *p, size_t n)
{
    if (w->bad || w->cap - w->used < n) {
        w->bad = true;
        return;
    }
    if (n > 0)
        memcpy(w->p + w->used, p, n);
    w->used += n;
}

void rfl_put_be64(uint8_t out[8], uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

uint64_t rfl_get_be64(const uint8_t in[8])
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++)
        v = v << 8 | in[i];
    return v;
}

/* Each step is a bijection of the state for a given input word (add, multiply by an odd number, xor-shift), so two
 * inputs of one length that differ in one word never meet again before the next difference. */
static uint64_t stir(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 32;
}

uint64_t rfl_checksum64(const void *p, size_t n, uint64_t seed)
{
    const uint8_t *b = p;
    uint64_t h = stir(seed ^ UINT64_C(0x72666C636B73756D), n);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, b + i, 8);
        h = stir(h, word);
    }
    uint64_t tail = 0;
    for (unsigned k = 0; i < n; i++, k++)
        tail |= (uint64_t)b[i] << (8 * k);
    h = stir(stir(h, tail), n);
    return h;
}

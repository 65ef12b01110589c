/* Marks the bytes of a JSON string that need a second look, a block of bytes at a time. Must not know Lua or libcurl. */
#ifndef OH_JSON_BLOCK_H
#define OH_JSON_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Of a block of OH_JSON_BLOCK bytes from `text` on, oh_json_block_special marks each quote and backslash;
   oh_json_block_unusual marks also control characters and bytes that are not ASCII. Both may mark others behind the
   first one. oh_json_block_first returns the index of the first marked byte; marks must not be 0. oh_json_block_from
   removes the marks before an index, which is below OH_JSON_BLOCK. */

#if defined(__SSE2__) && !defined(OH_JSON_WORDS) /* OH_JSON_WORDS: to test the other way on a machine with SSE2 */

#include <emmintrin.h>

#define OH_JSON_BLOCK 16

typedef uint32_t oh_json_marks;

static inline __m128i oh_json_block_equal(__m128i bytes, char byte)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte));
}

static inline oh_json_marks oh_json_block_special(const char *text)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);

    return (oh_json_marks)_mm_movemask_epi8(
        _mm_or_si128(oh_json_block_equal(bytes, '"'), oh_json_block_equal(bytes, '\\')));
}

static inline oh_json_marks oh_json_block_unusual(const char *text)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i special = _mm_or_si128(oh_json_block_equal(bytes, '"'), oh_json_block_equal(bytes, '\\'));

    /* As signed numbers, bytes that are not ASCII are below 0. */
    return (oh_json_marks)_mm_movemask_epi8(_mm_or_si128(special, _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20))));
}

static inline size_t oh_json_block_first(oh_json_marks marks) { return (size_t)__builtin_ctz(marks); }

static inline oh_json_marks oh_json_block_from(oh_json_marks marks, size_t index) { return marks >> index << index; }

#else

#define OH_JSON_BLOCK 8

typedef uint64_t oh_json_marks; /* the highest bit of each marked byte */

#define OH_EACH_BYTE(byte) (0x0101010101010101ULL * (byte))
/* Not 0 if some byte of the word is below `limit`, which is at most 128. */
#define OH_HAS_BELOW(word, limit) (((word)-OH_EACH_BYTE(limit)) & ~(word)&OH_EACH_BYTE(0x80))

/* Returns a block as a word whose lowest byte is the first one. */
static inline uint64_t oh_json_block_word(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline oh_json_marks oh_json_block_special(const char *text)
{
    uint64_t word = oh_json_block_word(text);

    return OH_HAS_BELOW(word ^ OH_EACH_BYTE('"'), 1) | OH_HAS_BELOW(word ^ OH_EACH_BYTE('\\'), 1);
}

static inline oh_json_marks oh_json_block_unusual(const char *text)
{
    uint64_t word = oh_json_block_word(text);

    return oh_json_block_special(text) | OH_HAS_BELOW(word, 0x20) | (word & OH_EACH_BYTE(0x80));
}

static inline size_t oh_json_block_first(oh_json_marks marks) { return (size_t)__builtin_ctzll(marks) / 8; }

static inline oh_json_marks oh_json_block_from(oh_json_marks marks, size_t index)
{
    return marks >> index * 8 << index * 8;
}

#endif

#endif

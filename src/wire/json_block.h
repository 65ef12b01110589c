/* Finds the bytes of a JSON string that need a second look, a block of bytes at a time. Must not know Lua or libcurl. */
#ifndef OH_JSON_BLOCK_H
#define OH_JSON_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(OH_JSON_WORDS) /* OH_JSON_WORDS: to test the other way on a machine with SSE2 */

#include <emmintrin.h>

#define OH_JSON_BLOCK 16 /* bytes that the two functions look at */

/* Returns how many bytes precede the first one that is marked; OH_JSON_BLOCK if none is. */
static inline size_t oh_json_block_first(__m128i marks)
{
    return (size_t)__builtin_ctz((unsigned)_mm_movemask_epi8(marks) | 1U << OH_JSON_BLOCK);
}

static inline __m128i oh_json_block_special_marks(__m128i bytes)
{
    return _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
}

/* Returns how many bytes of a block precede its first quote or backslash; OH_JSON_BLOCK if it has none. */
static inline size_t oh_json_block_special(const char *text)
{
    return oh_json_block_first(oh_json_block_special_marks(_mm_loadu_si128((const __m128i *)(const void *)text)));
}

/* The same for a quote, a backslash, a control character, and a byte that is not ASCII, which is a negative one. */
static inline size_t oh_json_block_unusual(const char *text)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);

    return oh_json_block_first(
        _mm_or_si128(oh_json_block_special_marks(bytes), _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20))));
}

#else

#define OH_JSON_BLOCK 8

#define OH_EACH_BYTE(byte) (0x0101010101010101ULL * (byte))
/* Not 0 if some byte of the word is below `limit`, which is at most 128. */
#define OH_HAS_BELOW(word, limit) (((word)-OH_EACH_BYTE(limit)) & ~(word)&OH_EACH_BYTE(0x80))

/* Only the lowest mark is reliable, which is the first byte's where the byte order is little-endian. Elsewhere the
   bytes of a block with a mark are looked at one by one. */
static inline size_t oh_json_block_first(const char *text, uint64_t marks, int below, int above)
{
    size_t i = 0;

    if (marks == 0)
        return OH_JSON_BLOCK;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    (void)text, (void)below, (void)above;
    i = (size_t)__builtin_ctzll(marks) / 8;
#else
    while (text[i] != '"' && text[i] != '\\' && (unsigned char)text[i] >= below && (unsigned char)text[i] < above)
        i++;
#endif
    return i;
}

static inline uint64_t oh_json_block_special_marks(uint64_t word)
{
    return OH_HAS_BELOW(word ^ OH_EACH_BYTE('"'), 1) | OH_HAS_BELOW(word ^ OH_EACH_BYTE('\\'), 1);
}

static inline size_t oh_json_block_special(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof word);
    return oh_json_block_first(text, oh_json_block_special_marks(word), 0, 256);
}

static inline size_t oh_json_block_unusual(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof word);
    return oh_json_block_first(
        text, oh_json_block_special_marks(word) | OH_HAS_BELOW(word, 0x20) | (word & OH_EACH_BYTE(0x80)), 0x20, 0x80);
}

#endif

#endif

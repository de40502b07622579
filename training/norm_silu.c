/* Group normalisation with SiLU behind it or without, and its gradients, on bf16 pictures [N, P, C] whose channels lie side by side (channels_last).
 *
 *     y = act(x̂ gamma + beta), x̂ = (x - mean) rstd, mean and variance over the P C/G values of a group of one picture
 *
 * The compiler of PyTorch goes over one group after the other, which is a single channel here and a stride over all others: a quarter of a training
 * step. Here 16 channels are a vector, and a picture stays in the cache from one pass to the next. Sums are f32, and sums over pictures are
 * made by the caller, in the same order whatever the number of threads. Built and called by norm_silu.py; the vectors are gcc's and clang's.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#define WIDTH 16 /* channels come in multiples of it */
#define MAX_CHANNELS 1024

typedef float Floats __attribute__((vector_size(4 * WIDTH)));
typedef int32_t Ints __attribute__((vector_size(4 * WIDTH)));
typedef uint32_t Words __attribute__((vector_size(4 * WIDTH)));
typedef uint16_t Halves __attribute__((vector_size(2 * WIDTH)));

static inline Floats widened(const uint16_t *x) {
    Halves halves;
    memcpy(&halves, x, sizeof halves);
    return (Floats)(__builtin_convertvector(halves, Words) << 16);
}

/* To the nearest, ties to even; what is no number stays none. */
static inline void store_rounded(uint16_t *to, Floats x) {
#ifdef __AVX512BF16__
    __m256bh rounded = _mm512_cvtneps_pbh((__m512)x); /* numbers too small for f32's exponents become zero */
    memcpy(to, &rounded, sizeof rounded);
    return;
#endif
    Words bits = (Words)x;
    Halves halves = __builtin_convertvector((bits + 0x7fff + ((bits >> 16) & 1)) >> 16, Halves);
    memcpy(to, &halves, sizeof halves);
}

static inline Floats loaded(const float *x) {
    Floats value;
    memcpy(&value, x, sizeof value);
    return value;
}

static inline void store(float *to, Floats x) {
    memcpy(to, &x, sizeof x);
}

static inline Floats chosen(Ints which, Floats yes, Floats no) {
    return (Floats)((which & (Ints)yes) | (~which & (Ints)no));
}

/* 1 / x for x in 1 … 2^127, by an estimate in place of a division: with the rounding above 8 to 20 % of forward and backward. */
static inline Floats reciprocal(Floats x) {
#ifdef __AVX512F__
    Floats y = (Floats)_mm512_rcp14_ps((__m512)x); /* 14 bits; a step of Newton's doubles them */
    return y + y * (1.0f - x * y);
#else
    return 1.0f / x;
#endif
}

/* 1 / (1 + exp(-z)) to some units in the last place of f32: 2^(n + f) with n whole, 2^f by its series. */
static inline Floats sigmoid(Floats z) {
    const Floats low = (Floats){} - 126.0f, high = (Floats){} + 126.0f;
    Floats x = z * -1.44269504f;
    x = chosen(x < low, low, x);
    x = chosen(x > high, high, x);
    Floats n = x + 12582912.0f - 12582912.0f; /* 1.5 2^23: the sum has no places behind the point */
    Floats f = x - n;
    Floats p = f * 1.54035304e-4f + 1.33335581e-3f;
    p = p * f + 9.61812911e-3f;
    p = p * f + 5.55041087e-2f;
    p = p * f + 2.40226507e-1f;
    p = p * f + 6.93147181e-1f;
    p = p * f + 1.0f;
    Floats power = (Floats)((__builtin_convertvector(n, Ints) + 127) << 23);
    return reciprocal(1.0f + p * power);
}

/* From sums for each channel: sums for each group, in each of its channels. */
static void over_groups(float *sum, int channels, int groups) {
    int each = channels / groups;
    for (int g = 0; g < groups; g++) {
        float total = 0;
        for (int c = g * each; c < (g + 1) * each; c++) total += sum[c];
        for (int c = g * each; c < (g + 1) * each; c++) sum[c] = total;
    }
}

/* mean and rstd [N, C] are the groups', in each channel. */
void norm_silu_forward(const uint16_t *x, const float *gamma, const float *beta, uint16_t *y, float *mean, float *rstd, int64_t pictures,
                       int64_t pixels, int channels, int groups, float eps, int silu) {
    float count = 1.0f / (pixels * (channels / groups));
    #pragma omp parallel for schedule(static)
    for (int64_t n = 0; n < pictures; n++) {
        const uint16_t *in = x + n * pixels * channels;
        uint16_t *out = y + n * pixels * channels;
        float *m = mean + n * channels, *r = rstd + n * channels;
        for (int c = 0; c < channels; c += WIDTH) {
            Floats sum = {};
            for (int64_t p = 0; p < pixels; p++) sum += widened(in + p * channels + c);
            store(m + c, sum);
        }
        over_groups(m, channels, groups);
        for (int c = 0; c < channels; c++) m[c] *= count;
        for (int c = 0; c < channels; c += WIDTH) {
            Floats sum = {}, middle = loaded(m + c);
            for (int64_t p = 0; p < pixels; p++) {
                Floats off = widened(in + p * channels + c) - middle;
                sum += off * off;
            }
            store(r + c, sum);
        }
        over_groups(r, channels, groups);
        for (int c = 0; c < channels; c++) r[c] = 1.0f / sqrtf(r[c] * count + eps);
        for (int c = 0; c < channels; c += WIDTH) {
            Floats scale = loaded(r + c) * loaded(gamma + c), shift = loaded(beta + c) - loaded(m + c) * scale;
            for (int64_t p = 0; p < pixels; p++) {
                Floats z = widened(in + p * channels + c) * scale + shift;
                store_rounded(out + p * channels + c, silu ? z * sigmoid(z) : z);
            }
        }
    }
}

/* The gradient of z = x̂ gamma + beta where `grad` is that of y. */
static inline Floats before_silu(Floats grad, Floats z) {
    Floats s = sigmoid(z);
    return grad * (s + z * s * (1.0f - s));
}

/* grad_gamma and grad_beta [N, C] are each picture's. */
void norm_silu_backward(const uint16_t *x, const uint16_t *grad, const float *gamma, const float *beta, const float *mean, const float *rstd,
                        uint16_t *grad_x, float *grad_gamma, float *grad_beta, int64_t pictures, int64_t pixels, int channels, int groups,
                        int silu) {
    float count = 1.0f / (pixels * (channels / groups));
    #pragma omp parallel for schedule(static)
    for (int64_t n = 0; n < pictures; n++) {
        const uint16_t *in = x + n * pixels * channels, *dy = grad + n * pixels * channels;
        uint16_t *out = grad_x + n * pixels * channels;
        const float *m = mean + n * channels, *r = rstd + n * channels;
        float a[MAX_CHANNELS], b[MAX_CHANNELS];
        for (int c = 0; c < channels; c += WIDTH) {
            Floats scale = loaded(r + c) * loaded(gamma + c), shift = loaded(beta + c) - loaded(m + c) * scale;
            Floats sum = {}, product = {}, middle = loaded(m + c);
            for (int64_t p = 0; p < pixels; p++) {
                int64_t i = p * channels + c;
                Floats value = widened(in + i), d = widened(dy + i);
                if (silu) d = before_silu(d, value * scale + shift);
                sum += d;
                product += d * (value - middle);
            }
            product *= loaded(r + c);
            store(grad_beta + n * channels + c, sum);
            store(grad_gamma + n * channels + c, product);
            store(a + c, sum * loaded(gamma + c));
            store(b + c, product * loaded(gamma + c));
        }
        over_groups(a, channels, groups);
        over_groups(b, channels, groups);
        /* dx = rstd (gamma dz - mean(gamma dz) - x̂ mean(gamma dz x̂)) = dz scale - x slope - offset */
        for (int c = 0; c < channels; c += WIDTH) {
            Floats scale = loaded(r + c) * loaded(gamma + c), shift = loaded(beta + c) - loaded(m + c) * scale;
            Floats slope = loaded(r + c) * loaded(r + c) * loaded(b + c) * count;
            Floats offset = loaded(r + c) * loaded(a + c) * count - loaded(m + c) * slope;
            for (int64_t p = 0; p < pixels; p++) {
                int64_t i = p * channels + c;
                Floats value = widened(in + i), d = widened(dy + i);
                if (silu) d = before_silu(d, value * scale + shift);
                store_rounded(out + i, d * scale - value * slope - offset);
            }
        }
    }
}

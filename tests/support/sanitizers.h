#pragma once
/// Whether this build has the address sanitizer, which is six times slower, so that a test may run fewer cases; or the
/// thread sanitizer.

namespace sluice::test {

#if defined(__has_feature)
#define SLUICE_HAS(feature) __has_feature(feature)
#else
#define SLUICE_HAS(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || SLUICE_HAS(address_sanitizer)
inline constexpr bool kHasAddressSanitizer = true;
#else
inline constexpr bool kHasAddressSanitizer = false;
#endif

#if defined(__SANITIZE_THREAD__) || SLUICE_HAS(thread_sanitizer)
inline constexpr bool kHasThreadSanitizer = true;
#else
inline constexpr bool kHasThreadSanitizer = false;
#endif

#undef SLUICE_HAS

}  // namespace sluice::test

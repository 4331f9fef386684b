// Any change to a log's files is found, and the first entry that cannot be trusted is named.
#include <algorithm>
#include <fstream>

#include "audit/log_support.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "support/catch.h"

namespace sluice::test {

using namespace audit;

namespace {

/// Like write_file, without waiting for the disk: some file systems flush a file that is truncated and rewritten, but
/// not a new one.
void overwrite(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

struct SmallLog {
  explicit SmallLog(std::size_t n = 6, std::uint64_t segment_bytes = 1400, const std::string& prefix = "r",
                    std::uint64_t checkpoint_entries = 2) {
    const Decided decided;
    {
      Log log(dir / "log", {.segment_bytes = segment_bytes, .checkpoint_entries = checkpoint_entries});
      for (std::size_t i = 0; i < n; ++i) {
        decided.append(log, i, prefix);
        log.flush(10'000);
      }
    }
    for (const auto number : segment_numbers(dir / "log"))
      segments.push_back(segment_path("", number).filename().string());
  }
  std::filesystem::path folder() const { return dir / "log"; }
  std::filesystem::path file(const std::string& name) const { return dir / "log" / name; }

  TempDir dir;
  std::vector<std::string> segments;
};

/// Where each entry starts: file and offset.
std::vector<std::pair<std::string, std::size_t>> places(const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, std::size_t>> out;
  LogReader reader(folder);
  for (EntryView entry; reader.next(entry);)
    out.emplace_back(segment_path("", reader.segment()).filename().string(), reader.offset());
  return out;
}

/// Where the marks are, from the first byte of each to the last.
std::vector<std::pair<std::string, std::pair<std::size_t, std::size_t>>> marks(const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, std::pair<std::size_t, std::size_t>>> out;
  LogReader reader(folder);
  for (EntryView entry; reader.next(entry);) {
    const std::size_t end = reader.offset() + entry.size();
    if (!entry.mark.empty())
      out.push_back({segment_path("", reader.segment()).filename().string(), {end - entry.mark.size(), end - 1}});
  }
  return out;
}

/// The faults found after `change`; restores the log afterwards.
std::vector<Fault> faults_after(const SmallLog& log, const std::function<void()>& change,
                                const VerifyOptions& options = {}) {
  const TempDir kept;
  std::filesystem::copy(log.folder(), kept / "log");
  change();
  auto faults = verify_log(log.folder(), options).faults;
  std::filesystem::remove_all(log.folder());
  std::filesystem::copy(kept / "log", log.folder());
  return faults;
}

bool has(const std::vector<Fault>& faults, const std::string& code) {
  return std::any_of(faults.begin(), faults.end(), [&](const Fault& fault) { return fault.code == code; });
}

}  // namespace

TEST_CASE("a change of any bit of a log is found, and its entry is named") {
  const SmallLog log(3, 700, "r", 1000);
  REQUIRE(log.segments.size() >= 2);
  const auto starts = places(log.folder());
  const auto all_marks = marks(log.folder());
  REQUIRE_FALSE(all_marks.empty());
  const auto key = PublicKey::load(log.file("signing.pub"));
  for (const auto& name : log.segments) {
    const std::string sound = read_file(log.file(name));
    std::uint64_t first = 0;
    while (starts[first].first != name) ++first;
    for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
      std::string bent = sound;
      bent[bit / 8] = static_cast<char>(bent[bit / 8] ^ 1 << (bit % 8));
      overwrite(log.file(name), bent);
      const auto report = verify_log(log.folder(), {.key = key});
      CAPTURE(name, bit);
      REQUIRE_FALSE(report.is_whole());
      const Fault& fault = report.faults.front();
      REQUIRE(fault.file == name);
      std::uint64_t hit = first;
      while (hit + 1 < starts.size() && starts[hit + 1].first == name && starts[hit + 1].second <= bit / 8) ++hit;
      const bool in_mark = std::any_of(all_marks.begin(), all_marks.end(), [&](const auto& mark) {
        return mark.first == name && mark.second.first <= bit / 8 && bit / 8 <= mark.second.second;
      });
      // Behind an entry, something other than a mark is read as the next entry.
      REQUIRE((fault.index == hit || (in_mark && fault.index == hit + 1)));
    }
    overwrite(log.file(name), sound);
  }
  REQUIRE(verify_log(log.folder()).is_whole());
}

TEST_CASE("a change of any bit of the checkpoints is found, and its line is named") {
  const SmallLog log(3, 700, "r", 1000);
  const std::string sound = read_file(log.file("checkpoints"));
  for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    std::string bent = sound;
    bent[bit / 8] = static_cast<char>(bent[bit / 8] ^ 1 << (bit % 8));
    overwrite(log.file("checkpoints"), bent);
    const auto report = verify_log(log.folder());
    CAPTURE(bit);
    REQUIRE_FALSE(report.is_whole());
    REQUIRE(report.faults.front().file == "checkpoints");
    REQUIRE(report.faults.front().offset <= bit / 8);
  }
}

TEST_CASE("a deleted, repeated or moved entry is found at its position") {
  const SmallLog log(6, 256 << 20);
  const auto starts = places(log.folder());
  const std::string sound = read_file(log.file(log.segments[0]));
  const auto entry = [&](std::size_t i) {
    const std::size_t end = i + 1 < starts.size() ? starts[i + 1].second : sound.size();
    return sound.substr(starts[i].second, end - starts[i].second);
  };
  const std::string head = sound.substr(0, starts[0].second);
  for (std::size_t a = 0; a < starts.size(); ++a) {
    std::string deleted = head, repeated = head;
    for (std::size_t i = 0; i < starts.size(); ++i) {
      if (i != a) deleted += entry(i);
      repeated += entry(i) + (i == a ? entry(i) : "");
    }
    const auto after_deletion = faults_after(log, [&] { overwrite(log.file(log.segments[0]), deleted); });
    REQUIRE_FALSE(after_deletion.empty());
    if (a + 1 < starts.size()) REQUIRE(after_deletion.front().index == a);
    const auto after_repetition = faults_after(log, [&] { overwrite(log.file(log.segments[0]), repeated); });
    REQUIRE(after_repetition.front().index == a + 1);
    for (std::size_t b = a + 1; b < starts.size(); ++b) {
      std::string swapped = head;
      for (std::size_t i = 0; i < starts.size(); ++i) swapped += entry(i == a ? b : i == b ? a : i);
      const auto faults = faults_after(log, [&] { overwrite(log.file(log.segments[0]), swapped); });
      REQUIRE(faults.front().index == a);
    }
  }
}

TEST_CASE("a log truncated anywhere below its last checkpoint is found") {
  const SmallLog log;
  const std::string last = log.segments.back(), sound = read_file(log.file(last));
  for (std::size_t size = 0; size < sound.size(); ++size)
    REQUIRE_FALSE(faults_after(log, [&] { overwrite(log.file(last), sound.substr(0, size)); }).empty());
  CHECK(has(faults_after(log, [&] { std::filesystem::remove(log.file(last)); }), "log.truncated"));
  CHECK(has(faults_after(log, [&] { std::filesystem::remove(log.file(log.segments[0])); }), "log.gap"));
  CHECK(has(faults_after(log, [&] { std::filesystem::rename(log.file(last), log.file("00000099.log")); }), "log.gap"));
  CHECK(has(faults_after(log, [&] { std::filesystem::remove(log.file("checkpoints")); }), "checkpoint.missing"));
}

TEST_CASE("parts of two logs do not make a whole log") {
  const SmallLog log, other(6, 1400, "s");
  const auto take = [&](const std::string& name) { overwrite(log.file(name), read_file(other.file(name))); };
  CHECK(has(faults_after(log, [&] { take(log.segments[1]); }), "log.splice"));
  CHECK_FALSE(faults_after(log, [&] { take(log.segments[0]); }).empty());
  CHECK(has(faults_after(log, [&] { take("checkpoints"); }), "checkpoint.signature"));
  const auto all = [&] {
    for (const auto& name : other.segments) take(name);
  };
  CHECK_FALSE(faults_after(log, all).empty());
  const auto swap_two = [&] {
    std::filesystem::rename(log.file(log.segments[0]), log.file("x"));
    std::filesystem::rename(log.file(log.segments[1]), log.file(log.segments[0]));
    std::filesystem::rename(log.file("x"), log.file(log.segments[1]));
  };
  CHECK(has(faults_after(log, swap_two), "log.order"));
}

TEST_CASE(
    "a repeated old checkpoint is found, and to find a log rolled back with its checkpoints, one is kept elsewhere") {
  const SmallLog log;
  const std::string text = read_file(log.file("checkpoints"));
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    lines.push_back(text.substr(at, text.find('\n', at) + 1 - at));
  REQUIRE(lines.size() >= 3);
  CHECK(has(faults_after(log, [&] { overwrite(log.file("checkpoints"), text + lines[1]); }), "checkpoint.link"));
  std::string swapped = lines[0] + lines[2] + lines[1];
  CHECK(has(faults_after(log, [&] { overwrite(log.file("checkpoints"), swapped); }), "checkpoint.link"));

  const auto roll_back = [&] {
    overwrite(log.file("checkpoints"), lines[0]);
    for (const auto& name : log.segments)
      if (name != log.segments[0]) std::filesystem::remove(log.file(name));
    const auto starts = places(log.folder());
    const auto path = log.file(log.segments[0]);
    overwrite(path, read_file(path).substr(0, starts[0].second));
  };
  CHECK(faults_after(log, roll_back).empty());
  const Checkpoint known = Checkpoint::parse(lines.back());
  CHECK(has(faults_after(log, roll_back, {.known = known}), "log.truncated"));
}

TEST_CASE("a log recreated with the same key does not match the known checkpoint") {
  const SmallLog log;
  const std::string text = read_file(log.file("checkpoints"));
  const Checkpoint known = Checkpoint::parse(text.substr(text.rfind('\n', text.size() - 2) + 1));
  const Decided decided;
  const auto rewrite = [&] {
    const std::string key = read_file(log.file("signing.key"));
    std::filesystem::remove_all(log.folder());
    std::filesystem::create_directory(log.folder());
    write_file(log.file("signing.key"), key, AtomicFile::Mode::owner_only);
    Log anew(log.folder());
    for (std::size_t i = 0; i < 6; ++i) decided.append(anew, i);
  };
  CHECK(faults_after(log, rewrite).empty());
  CHECK(has(faults_after(log, rewrite, {.known = known}), "checkpoint.log"));
}

}  // namespace sluice::test

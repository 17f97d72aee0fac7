// The ring → chunks of lines, on a thread of its own.
//
// The thread wakes every few milliseconds, empties the ring into the chunk at hand and gives the chunk away when it was asked for.
// A chunk is only given when asked for, and the ring is left alone while the chunk at hand is full: so a reader that is too slow
// fills the ring, and what the ring has no place for is counted in the kernel. Nothing is lost in between.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "line-writer.h"
#include "programs.h"

struct ring_buffer;

namespace kestrel {

/// What was made in the kernel, what the ring had no place for, and what came out of it as a line. When the collector has ended,
/// `made` is the sum of the others.
struct ClassCounters {
  uint64_t made = 0;
  uint64_t dropped = 0;
  uint64_t received = 0;
  std::vector<uint64_t> dropped_by_cpu;
};

class Collector {
 public:
  /// Is called on the collector's thread: with whole lines, and at last with null.
  using Deliver = std::function<void(std::unique_ptr<Lines>)>;

  /// What is not in `written` is not written as lines. `tick` is the silence after which a line says what time it is; 0 for never.
  Collector(Programs programs, const Host& host, ClassSet written, std::chrono::microseconds interval,
            std::chrono::milliseconds tick, const Enrichment& enrichment);
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  /// Starts the thread. False when there is no ring to read.
  bool start(Deliver deliver);
  /// Asks for one chunk.
  void want();
  /// Detaches the programs. What stands in the ring is still given to who asks for it, then null. By then, and at once when it was
  /// not started, all that it holds of the kernel is given back: a collector may wait long to be collected.
  void stop();
  /// stop(), and gives nothing any more.
  void abandon();

  std::vector<ClassCounters> counters() const;
  TableCounters table_counters() const { return writer_.processes().counters(); }
  /// Records that were not as record.h describes them; 0 unless there is a defect.
  uint64_t malformed() const { return malformed_.load(std::memory_order_relaxed); }

 private:
  struct RingCloser {
    void operator()(ring_buffer* ring) const;
  };
  static int on_record(void* self, void* data, size_t size);
  void run();
  void find_processes();
  void drain();
  void report_losses();
  void set_clock();
  void tick(uint64_t drained);
  std::vector<ClassCounters> read_counters() const;
  void let_go();

  /// Held while the programs and their maps are used, or given back.
  mutable std::mutex programs_mutex_;
  Programs programs_;
  /// What the counters were when the programs were given back.
  std::vector<ClassCounters> last_counters_;
  LineWriter writer_;
  const std::chrono::microseconds interval_;
  const std::chrono::milliseconds tick_;
  std::unique_ptr<ring_buffer, RingCloser> ring_;
  Deliver deliver_;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;
  bool stopping_ = false;
  bool abandoned_ = false;

  // Of the thread alone.
  std::unique_ptr<Lines> lines_;
  std::vector<uint64_t> reported_;
  /// When a line was written last, on the boot-time clock.
  uint64_t spoke_ = 0;
  std::atomic<uint64_t> received_[KESTREL_CLASSES] = {};
  std::atomic<uint64_t> malformed_ = 0;
};

}  // namespace kestrel

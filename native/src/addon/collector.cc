#include "collector.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace kestrel {
namespace {

/// A chunk is full with so many bytes: about two thousand lines, and the evaluator's own measure of a chunk.
constexpr size_t kChunkBytes = 1 << 20;

/// Losses are looked for so often; asking is a system call for each class.
constexpr auto kLossInterval = std::chrono::milliseconds(100);

/// A difference of the clocks that is taken over. Less is what reading two clocks one after the other costs, and taking it over
/// would change the order of events by their time, and the start of one process from event to event.
constexpr int64_t kClockStep = 1000000;

/// What reading three clocks takes at most when nothing comes in between.
constexpr int64_t kClockDoubt = 2000;

/// What ends a round of reading the ring: the chunk is full.
constexpr int kFull = -ENOSPC;

int64_t nanoseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

}  // namespace

void Collector::RingCloser::operator()(ring_buffer* ring) const { ring_buffer__free(ring); }

Collector::Collector(Programs programs, const Host& host, ClassSet written, std::chrono::microseconds interval,
                     std::chrono::milliseconds tick, const Enrichment& enrichment)
    : programs_(std::move(programs)),
      writer_(host, written, enrichment),
      interval_(interval),
      tick_(tick),
      lines_(new Lines),
      spoke_(static_cast<uint64_t>(nanoseconds(CLOCK_BOOTTIME))) {}

Collector::~Collector() { abandon(); }

bool Collector::start(Deliver deliver) {
  const std::lock_guard<std::mutex> programs_lock(programs_mutex_);
  if (programs_.object == nullptr) return false;
  ring_.reset(ring_buffer__new(programs_.map("events"), on_record, this, nullptr));
  if (ring_ == nullptr) return false;
  deliver_ = std::move(deliver);
  thread_ = std::thread([this] { run(); });
  return true;
}

void Collector::want() {
  const std::lock_guard<std::mutex> lock(mutex_);
  wanted_ = true;
  changed_.notify_one();
}

void Collector::stop() {
  if (thread_.joinable()) {
    const std::lock_guard<std::mutex> programs_lock(programs_mutex_);
    programs_.detach();
  } else {
    let_go();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  stopping_ = true;
  changed_.notify_one();
}

void Collector::abandon() {
  stop();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    abandoned_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

int Collector::on_record(void* self, void* data, size_t size) {
  auto& collector = *static_cast<Collector*>(self);
  if (collector.writer_.append(*collector.lines_, data, size)) {
    collector.received_[static_cast<kestrel_header*>(data)->klass].fetch_add(1, std::memory_order_relaxed);
  } else {
    collector.malformed_.fetch_add(1, std::memory_order_relaxed);
  }
  return collector.lines_->size >= kChunkBytes ? kFull : 0;
}

void Collector::set_clock() {
  // Between two readings the thread may lose its core: the pair that was read fastest is nearest to the truth.
  int64_t offset = 0;
  int64_t doubt = INT64_MAX;
  for (int tries = 0; tries < 4 && doubt > kClockDoubt; tries++) {
    const int64_t before = nanoseconds(CLOCK_BOOTTIME);
    const int64_t now = nanoseconds(CLOCK_REALTIME);
    const int64_t after = nanoseconds(CLOCK_BOOTTIME);
    if (after - before >= doubt) continue;
    doubt = after - before;
    offset = now - (before + doubt / 2);
  }
  if (std::llabs(offset - writer_.clock_offset()) >= kClockStep + doubt) writer_.set_clock_offset(offset);
}

void Collector::drain() {
  set_clock();
  const auto now = static_cast<uint64_t>(nanoseconds(CLOCK_BOOTTIME));
  const size_t before = lines_->size;
  if (before < kChunkBytes) ring_buffer__consume(ring_.get());
  if (lines_->size != before) spoke_ = now;
  if (tick_.count() != 0 && before < kChunkBytes) tick(now);
}

/// Whatever happened before `drained` has been read: nothing has, for a while.
void Collector::tick(uint64_t drained) {
  const auto silence = static_cast<uint64_t>(std::chrono::nanoseconds(tick_).count());
  if (drained - spoke_ < silence) return;
  writer_.append_tick(*lines_, drained);
  spoke_ = drained;
}

void Collector::report_losses() {
  const auto counters = this->counters();
  for (uint32_t klass = 0; klass < counters.size(); klass++) {
    const auto& by_cpu = counters[klass].dropped_by_cpu;
    reported_.resize(KESTREL_CLASSES * by_cpu.size());
    for (uint32_t cpu = 0; cpu < by_cpu.size(); cpu++) {
      uint64_t& reported = reported_[klass * by_cpu.size() + cpu];
      if (by_cpu[cpu] == reported) continue;
      const auto now = static_cast<uint64_t>(nanoseconds(CLOCK_BOOTTIME));
      writer_.append_loss(*lines_, now, static_cast<kestrel_class>(klass), cpu, by_cpu[cpu] - reported);
      reported = by_cpu[cpu];
    }
  }
}

/// Everything is attached and the ring not read yet, so no process is in neither.
void Collector::find_processes() {
  ProcessTable& table = writer_.processes();
  const int found = programs_.processes == nullptr ? -1 : bpf_iter_create(bpf_link__fd(programs_.processes.get()));
  std::vector<kestrel_found> part(64);
  const auto bytes = reinterpret_cast<char*>(part.data());
  size_t have = 0;
  while (found >= 0) {
    const ssize_t got = read(found, bytes + have, part.size() * sizeof(kestrel_found) - have);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) break;
    have += static_cast<size_t>(got);
    const size_t whole = have / sizeof(kestrel_found);
    for (size_t at = 0; at < whole; at++) table.add_found(part[at], static_cast<uint64_t>(nanoseconds(CLOCK_BOOTTIME)));
    have -= whole * sizeof(kestrel_found);
    std::memmove(bytes, bytes + whole * sizeof(kestrel_found), have);
  }
  if (found >= 0) close(found);
  table.add_all_of_proc();
}

void Collector::run() {
  find_processes();
  auto next_losses = std::chrono::steady_clock::now();
  // Rounds after the end in which nothing came. A program that was running when it was detached may still write its record, so
  // one such round is not enough.
  int quiet_rounds = 0;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!abandoned_) {
    const bool ending = stopping_;
    lock.unlock();
    const size_t before = lines_->size;
    drain();
    const bool nothing = lines_->size == before && before < kChunkBytes;
    quiet_rounds = ending && nothing ? quiet_rounds + 1 : 0;
    const bool last = quiet_rounds >= 2;
    const auto now = std::chrono::steady_clock::now();
    if (last || now >= next_losses) {
      report_losses();
      next_losses = now + kLossInterval;
    }
    lock.lock();
    if (last && lines_->size == 0) break;
    if (wanted_ && lines_->size != 0) {
      wanted_ = false;
      lock.unlock();
      deliver_(std::move(lines_));
      lines_.reset(new Lines);
      lock.lock();
      continue;
    }
    changed_.wait_for(lock, interval_, [&] { return abandoned_ || stopping_ != ending || (wanted_ && lines_->size != 0); });
  }
  const bool abandoned = abandoned_;
  lock.unlock();
  let_go();
  if (!abandoned) deliver_(nullptr);
}

/// Nothing comes any more: what is left of the programs is their counters.
void Collector::let_go() {
  const std::lock_guard<std::mutex> programs_lock(programs_mutex_);
  if (programs_.object == nullptr) return;
  last_counters_ = read_counters();
  ring_ = nullptr;
  programs_.close();
}

std::vector<ClassCounters> Collector::counters() const {
  const std::lock_guard<std::mutex> programs_lock(programs_mutex_);
  return last_counters_.empty() ? read_counters() : last_counters_;
}

std::vector<ClassCounters> Collector::read_counters() const {
  std::vector<ClassCounters> classes(KESTREL_CLASSES);
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0 || programs_.object == nullptr) return classes;
  std::vector<kestrel_counters> by_cpu(static_cast<size_t>(cpus));
  for (uint32_t klass = 0; klass < KESTREL_CLASSES; klass++) {
    ClassCounters& one = classes[klass];
    one.received = received_[klass].load(std::memory_order_relaxed);
    one.dropped_by_cpu.resize(by_cpu.size());
    if (bpf_map_lookup_elem(programs_.map("counters"), &klass, by_cpu.data()) != 0) continue;
    for (size_t cpu = 0; cpu < by_cpu.size(); cpu++) {
      one.made += by_cpu[cpu].made;
      one.dropped += by_cpu[cpu].dropped;
      one.dropped_by_cpu[cpu] = by_cpu[cpu].dropped;
    }
  }
  return classes;
}

}  // namespace kestrel

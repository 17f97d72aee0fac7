// What JavaScript sees of the addon; runtime/src/ebpf/load-addon.ts has its types. Events pass as chunks of lines, never as objects.

#include <napi.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "collector.h"
#include "line-writer.h"
#include "machine-facts.h"
#include "programs.h"

namespace kestrel {
namespace {

/// What runtime/src/ebpf/load-addon.ts and this addon agree on. Raise both when a function here changes.
constexpr uint32_t kInterface = 4;

/// Open folders, until they go out of scope.
class Folders {
 public:
  ~Folders() {
    for (const ExcludedCgroup& one : all) close(one.descriptor);
  }
  std::vector<ExcludedCgroup> all;
};

/// A buffer of JavaScript with the bytes of `lines`. They are copied: room for the longest line is many times what most chunks hold, and
/// JavaScript, which sees the bytes alone, would keep it until it thinks of collecting them.
Napi::Value buffer_of(Napi::Env env, const Lines& lines) {
  return Napi::Buffer<char>::Copy(env, lines.bytes.get(), lines.size);
}

std::string string_at(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
}

std::vector<std::string> strings_at(const Napi::Object& object, const char* name) {
  std::vector<std::string> strings;
  const Napi::Value value = object.Get(name);
  if (!value.IsArray()) return strings;
  const auto array = value.As<Napi::Array>();
  for (uint32_t at = 0; at < array.Length(); at++) strings.push_back(array.Get(at).ToString().Utf8Value());
  return strings;
}

bool bool_at(const Napi::Object& object, const char* name) { return object.Get(name).ToBoolean().Value(); }

/// A folder, open; -1 with an error left behind when it cannot be opened.
int open_cgroup(Napi::Env env, const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    Napi::Error::New(env, "cannot open the cgroup " + path + ": " + std::strerror(errno)).ThrowAsJavaScriptException();
  }
  return descriptor;
}

/// Opens the cgroups that are left out. Too many, or one that is not there, leave an error behind.
void open_excluded(const Napi::Object& options, Folders& folders) {
  const auto paths = strings_at(options, "excludedCgroups");
  if (paths.size() > KESTREL_EXCLUDED_MAX) {
    const auto most = std::to_string(KESTREL_EXCLUDED_MAX);
    Napi::Error::New(options.Env(), "at most " + most + " cgroups can be excluded, not " + std::to_string(paths.size()))
        .ThrowAsJavaScriptException();
    return;
  }
  for (const std::string& path : paths) {
    const int descriptor = open_cgroup(options.Env(), path);
    if (descriptor < 0) return;
    folders.all.push_back({path, descriptor});
  }
}

/// What paths of each class must begin with; a class that has none leaves an error behind.
PathPrefixes path_prefixes_of(const Napi::Object& options) {
  PathPrefixes result;
  if (!options.Get("pathPrefixes").IsObject()) return result;
  const auto by_class = options.Get("pathPrefixes").As<Napi::Object>();
  const Napi::Array names = by_class.GetPropertyNames();
  for (uint32_t at = 0; at < names.Length(); at++) {
    const std::string name = names.Get(at).ToString().Utf8Value();
    const uint32_t klass = class_of(name);
    if (!has_paths(klass)) {
      Napi::TypeError::New(options.Env(), "there are no paths of " + name + " events").ThrowAsJavaScriptException();
    } else if (by_class.Get(name).IsArray()) {
      result[klass] = strings_at(by_class, name.c_str());
    }
  }
  return result;
}

Host host_of(const Napi::Object& host) {
  Host result{string_at(host, "name"), string_at(host, "id"), string_at(host, "bootId")};
  // Tests have files of their own.
  for (const auto& [name, path] : {std::pair{"users", &result.users}, std::pair{"groups", &result.groups},
                                   std::pair{"proc", &result.proc}}) {
    if (host.Get(name).IsString()) *path = string_at(host, name);
  }
  return result;
}

/// What is asked for of `hashes` and `table`; a hash that there is not leaves an error behind.
Enrichment enrichment_of(const Napi::Object& options) {
  Enrichment result;
  result.capabilities = bool_at(options, "capabilities");
  for (const std::string& name : strings_at(options, "hashes")) {
    uint32_t kind = 0;
    for (const auto& [known, bit] : {std::pair{"md5", kMd5}, std::pair{"sha1", kSha1}, std::pair{"sha256", kSha256}}) {
      if (name == known) kind = bit;
    }
    if (kind == 0) Napi::TypeError::New(options.Env(), "there is no hash " + name).ThrowAsJavaScriptException();
    result.hashes |= kind;
  }
  if (!options.Get("table").IsObject()) return result;
  const auto table = options.Get("table").As<Napi::Object>();
  for (const auto& [name, limit] : {std::pair{"entries", &result.limits.entries}, std::pair{"ended", &result.limits.ended},
                                    std::pair{"bytes", &result.limits.bytes}}) {
    const Napi::Value value = table.Get(name);
    if (value.IsNumber()) *limit = value.As<Napi::Number>().Uint32Value();
  }
  return result;
}

Napi::Object counters_of(Napi::Env env, const TableCounters& table) {
  Napi::Object result = Napi::Object::New(env);
  for (const auto& [name, value] :
       {std::pair{"known", table.known}, std::pair{"bytes", table.bytes}, std::pair{"evicted", table.evicted},
        std::pair{"lookedUp", table.looked_up}, std::pair{"notFound", table.not_found}}) {
    result.Set(name, static_cast<double>(value));
  }
  return result;
}

/// machineFacts(): what the machine allows.
Napi::Value machine_facts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const MachineFacts facts = read_machine_facts();
  Napi::Object capabilities = Napi::Object::New(env);
  capabilities.Set("CAP_BPF", facts.capability_bpf);
  capabilities.Set("CAP_PERFMON", facts.capability_perfmon);
  capabilities.Set("CAP_SYS_ADMIN", facts.capability_sys_admin);
  Napi::Object result = Napi::Object::New(env);
  result.Set("kernel", facts.kernel);
  result.Set("btf", facts.btf);
  const auto or_null = [&](const std::string& text) { return text.empty() ? env.Null() : Napi::String::New(env, text); };
  result.Set("lockdown", or_null(facts.lockdown));
  result.Set("securityModules", or_null(facts.security_modules));
  result.Set("capabilities", capabilities);
  return result;
}

/// linesOf(records, host, clockOffset, options): the lines of records that stand one after the other, each at a multiple of 8.
Napi::Value lines_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsBuffer() || !info[1].IsObject() || !info[2].IsBigInt()) {
    Napi::TypeError::New(env, "linesOf takes a Buffer, a host and a BigInt").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const auto records = info[0].As<Napi::Buffer<char>>();
  const Enrichment enrichment = info[3].IsObject() ? enrichment_of(info[3].As<Napi::Object>()) : Enrichment();
  if (env.IsExceptionPending()) return env.Undefined();
  LineWriter writer(host_of(info[1].As<Napi::Object>()), kAllClasses, enrichment);
  bool lossless = false;
  writer.set_clock_offset(info[2].As<Napi::BigInt>().Int64Value(&lossless));
  auto lines = std::make_unique<Lines>();
  uint32_t malformed = 0;
  for (size_t at = 0; at < records.Length();) {
    const size_t left = records.Length() - at;
    uint32_t size = 0;
    if (left >= sizeof(size)) std::memcpy(&size, records.Data() + at, sizeof(size));
    if (size < sizeof(kestrel_header) || size > left) {
      malformed++;
      break;
    }
    if (!writer.append(*lines, records.Data() + at, size)) malformed++;
    at += (size + 7) & ~size_t{7};
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("lines", buffer_of(env, *lines));
  result.Set("malformed", malformed);
  result.Set("processes", counters_of(env, writer.processes().counters()));
  return result;
}

const char* state_name(ProgramReport::State state) {
  switch (state) {
    case ProgramReport::kAttached:
      return "attached";
    case ProgramReport::kNotNeeded:
      return "not needed";
    case ProgramReport::kNotWanted:
      return "not wanted";
    default:
      return "failed";
  }
}

/// new Collector({ringBytes, intervalMicroseconds, tickMilliseconds, cgroup, excludedCgroups, pathPrefixes, events, programs, host}):
/// attaches what it can; `report` says what.
class CollectorObject : public Napi::ObjectWrap<CollectorObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Collector",
                       {
                           InstanceMethod<&CollectorObject::report>("report"),
                           InstanceMethod<&CollectorObject::start>("start"),
                           InstanceMethod<&CollectorObject::want>("want"),
                           InstanceMethod<&CollectorObject::counters>("counters"),
                           InstanceMethod<&CollectorObject::stop>("stop"),
                       });
  }

  explicit CollectorObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CollectorObject>(info) {
    const Napi::Env env = info.Env();
    if (!info[0].IsObject()) {
      Napi::TypeError::New(env, "Collector takes an object").ThrowAsJavaScriptException();
      return;
    }
    const auto options = info[0].As<Napi::Object>();
    const Napi::Value ring_bytes = options.Get("ringBytes");
    const Napi::Value interval = options.Get("intervalMicroseconds");
    const Napi::Value host = options.Get("host");
    if (!ring_bytes.IsNumber() || !interval.IsNumber() || !host.IsObject()) {
      Napi::TypeError::New(env, "Collector takes ringBytes, intervalMicroseconds and host").ThrowAsJavaScriptException();
      return;
    }
    const std::string cgroup_path = string_at(options, "cgroup");
    ClassSet written = options.Get("events").IsArray() ? 0 : kAllClasses;
    for (const std::string& name : strings_at(options, "events")) {
      const uint32_t klass = class_of(name);
      if (klass == KESTREL_CLASSES) {
        Napi::TypeError::New(env, "there are no events " + name).ThrowAsJavaScriptException();
        return;
      }
      written |= ClassSet{1} << klass;
    }
    const Enrichment enrichment = enrichment_of(options);
    if (env.IsExceptionPending()) return;
    const Napi::Value tick = options.Get("tickMilliseconds");
    const int64_t tick_milliseconds = tick.IsNumber() ? tick.As<Napi::Number>().Int64Value() : 0;
    const PathPrefixes paths = path_prefixes_of(options);
    if (env.IsExceptionPending()) return;
    Folders excluded;
    open_excluded(options, excluded);
    if (env.IsExceptionPending()) return;
    const int cgroup = cgroup_path.empty() ? -1 : open_cgroup(env, cgroup_path);
    if (env.IsExceptionPending()) return;
    Programs programs = attach_programs({ring_bytes.As<Napi::Number>().Uint32Value(), cgroup, written,
                                         bool_at(options, "environment"), strings_at(options, "programs"), excluded.all, paths});
    if (cgroup >= 0) close(cgroup);
    reports_ = programs.reports;
    failure_ = programs.failure;
    processes_reason_ = programs.processes_reason;
    collector_ = std::make_unique<Collector>(std::move(programs), host_of(host.As<Napi::Object>()), written,
                                             std::chrono::microseconds(interval.As<Napi::Number>().Int64Value()),
                                             std::chrono::milliseconds(tick_milliseconds), enrichment);
    // Node ends without collecting garbage: the thread has to be gone before what it calls is.
    napi_add_env_cleanup_hook(env, end_of, this);
  }

  ~CollectorObject() override { end(); }

  void Finalize(Napi::BasicEnv env) override {
    if (collector_ != nullptr) napi_remove_env_cleanup_hook(env, end_of, this);
  }

 private:
  static void end_of(void* self) { static_cast<CollectorObject*>(self)->end(); }

  Napi::Value report(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Napi::Array programs = Napi::Array::New(env, reports_.size());
    for (uint32_t at = 0; at < reports_.size(); at++) {
      const ProgramReport& one = reports_[at];
      Napi::Object program = Napi::Object::New(env);
      program.Set("name", one.name);
      program.Set("event", std::string(class_name(one.klass)));
      program.Set("hook", one.hook);
      program.Set("tier", std::string(1, one.tier));
      program.Set("state", state_name(one.state));
      program.Set("reason", one.reason.empty() ? env.Null() : Napi::String::New(env, one.reason));
      programs.Set(at, program);
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("failure", failure_.empty() ? env.Null() : Napi::String::New(env, failure_));
    result.Set("programs", programs);
    result.Set("processesReason", processes_reason_.empty() ? env.Null() : Napi::String::New(env, processes_reason_));
    return result;
  }

  /// start(onChunk): the function is called with a Buffer for each want(), and with null at the end.
  Napi::Value start(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (!info[0].IsFunction() || started_) {
      Napi::TypeError::New(env, "start takes a function, and is called once").ThrowAsJavaScriptException();
      return env.Undefined();
    }
    // A chunk is given for each one asked for, and there is one end: the queue stays short without a bound.
    calls_ = Napi::ThreadSafeFunction::New(env, info[0].As<Napi::Function>(), "kestrel", 0, 1);
    const auto deliver = [this](std::unique_ptr<Lines> lines) {
      if (closed_) return;
      const bool ended = lines == nullptr;
      const auto call = [](Napi::Env env, Napi::Function on_chunk, Lines* chunk) {
        const std::unique_ptr<Lines> owned(chunk);
        if (env != nullptr) on_chunk.Call({owned == nullptr ? env.Null() : buffer_of(env, *owned)});
      };
      Lines* const chunk = lines.release();
      if (calls_.NonBlockingCall(chunk, call) != napi_ok) {
        // JavaScript is ending, and has taken the function back: it must not be touched again.
        delete chunk;
        closed_ = true;
      } else if (ended) {
        calls_.Release();
        closed_ = true;
      }
    };
    started_ = collector_->start(deliver);
    if (!started_) {
      calls_.Abort();
      Napi::Error::New(env, failure_.empty() ? "the ring cannot be read" : failure_).ThrowAsJavaScriptException();
    }
    return env.Undefined();
  }

  Napi::Value want(const Napi::CallbackInfo& info) {
    collector_->want();
    return info.Env().Undefined();
  }

  Napi::Value stop(const Napi::CallbackInfo& info) {
    collector_->stop();
    return info.Env().Undefined();
  }

  Napi::Value counters(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Napi::Object result = Napi::Object::New(env);
    const auto classes = collector_->counters();
    for (uint32_t klass = 0; klass < classes.size(); klass++) {
      const ClassCounters& one = classes[klass];
      Napi::Object counters = Napi::Object::New(env);
      counters.Set("made", static_cast<double>(one.made));
      counters.Set("dropped", static_cast<double>(one.dropped));
      counters.Set("received", static_cast<double>(one.received));
      Napi::Array by_cpu = Napi::Array::New(env, one.dropped_by_cpu.size());
      for (uint32_t cpu = 0; cpu < one.dropped_by_cpu.size(); cpu++) {
        by_cpu.Set(cpu, static_cast<double>(one.dropped_by_cpu[cpu]));
      }
      counters.Set("droppedByCpu", by_cpu);
      result.Set(std::string(class_name(klass)), counters);
    }
    result.Set("malformed", static_cast<double>(collector_->malformed()));
    result.Set("processes", counters_of(env, collector_->table_counters()));
    return result;
  }

  /// Ends the thread, and lets go of the function: Node would wait for it, should nobody have stopped the collector.
  void end() {
    if (collector_ == nullptr) return;
    collector_->abandon();
    collector_ = nullptr;
    if (started_ && !closed_) calls_.Release();
  }

  std::unique_ptr<Collector> collector_;
  Napi::ThreadSafeFunction calls_;
  std::vector<ProgramReport> reports_;
  std::string failure_;
  std::string processes_reason_;
  bool started_ = false;
  /// Whether `calls_` is given back. Of the collector's thread, while there is one.
  bool closed_ = false;
};

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("interface", kInterface);
  exports.Set("machineFacts", Napi::Function::New(env, machine_facts, "machineFacts"));
  exports.Set("linesOf", Napi::Function::New(env, lines_of, "linesOf"));
  exports.Set("Collector", CollectorObject::define(env));
  return exports;
}

}  // namespace
}  // namespace kestrel

static Napi::Object init_addon(Napi::Env env, Napi::Object exports) { return kestrel::init(env, exports); }
NODE_API_MODULE(kestrel_ebpf, init_addon)

// A process of the table and its relations → the members `process`, `user`, `group` and `container` of a line.
//
// Most events are of processes that have had events before, so the text is kept, and copied while nothing has changed that it was made
// from: the record's own words about the process, the entries of the table that it tells of, the names of users, the clock.

#include <algorithm>
#include <cstring>

#include "entry-leader.h"
#include "line.h"

namespace kestrel {
namespace {

/// A longer text is made anew for each line; with shorter ones the place of all has a bound.
constexpr size_t kLongestKept = 16384;

constexpr size_t kPlaces = 1024;

void put_serials(const Relations& all, uint64_t (&serials)[6]) {
  const Process* const told[6] = {all.self,         all.parent,         all.grandparent,
                                  all.group_leader, all.session_leader, all.entry_leader};
  for (int at = 0; at < 6; at++) serials[at] = told[at] == nullptr ? 0 : told[at]->serial;
}

bool is_cut(const Process& process) { return process.image != nullptr && process.image->flags != 0; }

}  // namespace

void Line::open_process(const kestrel_process& process) {
  ProcessTable& table = *shared.processes;
  if (shared.rendered.empty()) shared.rendered.resize(kPlaces);
  RenderedProcess& kept = shared.rendered[process.pid % kPlaces];
  opened_ = process;
  // The text is the same for all threads.
  opened_.tid = 0;
  kept_ = &kept;
  keeps_ = false;
  raw(",\"process\":{");
  const bool alike = !kept.text.empty() && std::memcmp(&opened_, &kept.facts, sizeof(opened_)) == 0 &&
                     kept.cgroup == cgroup && kept.clock_offset == shared.clock_offset && kept.names == shared.names;
  if (!alike || kept.epoch != table.epoch()) {
    const Relations all = table.relations(table.observe(process, cgroup));
    uint64_t serials[6];
    put_serials(all, serials);
    const bool valid = alike && std::memcmp(serials, kept.serials, sizeof(serials)) == 0;
    kept.epoch = table.epoch();
    if (!valid) return keep_process(all, serials);
  }
  raw(std::string_view(kept.text).substr(0, kept.process_size));
  lasting |= kept.lasting;
  shortened |= kept.shortened;
  utf8 = utf8 && kept.utf8;
}

void Line::keep_process(const Relations& all, const uint64_t (&serials)[6]) {
  RenderedProcess& kept = *kept_;
  char* const begin = output.at;
  const bool whole = utf8;
  utf8 = true;
  render_process(all, nullptr);
  const std::string_view text(begin, static_cast<size_t>(output.at - begin));
  keeps_ = text.size() <= kLongestKept;
  kept.text.clear();
  if (keeps_) {
    kept.text = text;
    kept.process_size = text.size();
    kept.facts = opened_;
    kept.cgroup = cgroup;
    kept.clock_offset = shared.clock_offset;
    kept.names = shared.names;
    kept.lasting = lasting;
    kept.shortened = shortened;
    kept.utf8 = utf8;
    std::memcpy(kept.serials, serials, sizeof(serials));
  } else {
    kept_ = nullptr;
  }
  utf8 = utf8 && whole;
}

void Line::open_process_of_exec(Process& process, std::string_view args) {
  opened_ = process.facts;
  kept_ = nullptr;
  raw(",\"process\":{");
  render_process(shared.processes->relations(process), &args);
}

void Line::close_process() {
  if (kept_ != nullptr && !keeps_) return raw(std::string_view(kept_->text).substr(kept_->process_size));
  char* const begin = output.at;
  render_accounts(opened_);
  if (kept_ != nullptr) kept_->text.append(begin, static_cast<size_t>(output.at - begin));
}

/// `"pid":…` and what else names a process.
void Line::short_identity(const Process& process) {
  number("\"pid\":", process.facts.pid);
  if (process.exact) entity(process.facts.pid, process.facts.start);
  text(",\"name\":", process.name());
  if (process.exact) {
    raw(",\"start\":");
    time(process.facts.start);
  }
  if (process.image != nullptr && !process.image->executable.empty()) {
    text(",\"executable\":", process.image->executable);
  }
}

void Line::ids(const Process& process) {
  const kestrel_process& facts = process.facts;
  raw(facts.tty_major != 0 ? ",\"interactive\":true" : ",\"interactive\":false");
  account(",\"user\":", facts.euid, shared.users);
  account(",\"real_user\":", facts.uid, shared.users);
  account(",\"group\":", facts.egid, shared.groups);
  account(",\"real_group\":", facts.gid, shared.groups);
}

void Line::render_process(const Relations& all, const std::string_view* whole_args) {
  const Process& self = *all.self;
  const kestrel_process& facts = self.facts;
  short_identity(self);
  if (self.image != nullptr) {
    const Image& image = *self.image;
    // An exec says for itself what of it is not whole.
    if (whole_args == nullptr) lasting |= image.flags;
    args(whole_args == nullptr ? std::string_view(image.args) : *whole_args, image.args_count,
         (image.flags & KESTREL_FLAG_ARGS_UNREAD) != 0);
    if (!image.directory.empty()) text(",\"working_directory\":", image.directory);
  }
  ids(self);
  account(",\"saved_user\":", facts.suid, shared.users);
  account(",\"saved_group\":", facts.sgid, shared.groups);
  if (facts.tty_major != 0) {
    number(",\"tty\":{\"char_device\":{\"major\":", facts.tty_major);
    number(",\"minor\":", facts.tty_minor);
    raw("}}");
  }
  parent(all);
  leader(",\"group_leader\":{", self.group_leader, all.group_leader, self);
  leader(",\"session_leader\":{", self.session_leader, all.session_leader, self);
  entry_leader(all);
}

/// What closes `process`, and what stands behind it.
void Line::render_accounts(const kestrel_process& facts) {
  raw("}");
  account(",\"user\":", facts.euid, shared.users);
  output.at--;
  account(",\"Ext\":{\"real\":", facts.uid, shared.users);
  raw("}}");
  account(",\"group\":", facts.egid, shared.groups);
  output.at--;
  account(",\"Ext\":{\"real\":", facts.gid, shared.groups);
  raw("}}");
  const std::string_view container = shared.processes->containers().of(cgroup);
  if (!container.empty()) {
    text(",\"container\":{\"id\":", container);
    raw("}");
  }
}

void Line::parent(const Relations& all) {
  const ProcessKey key = all.self->parent;
  if (key.pid == 0) return;
  raw(",\"parent\":{");
  if (all.parent == nullptr) {
    number("\"pid\":", key.pid);
    raw("}");
    return;
  }
  const Process& parent = *all.parent;
  short_identity(parent);
  if (parent.image != nullptr) {
    const Image& image = *parent.image;
    args(image.args, image.args_count, (image.flags & KESTREL_FLAG_ARGS_UNREAD) != 0);
    if (!image.directory.empty()) text(",\"working_directory\":", image.directory);
    if (is_cut(parent)) shortened |= kParentCut;
  }
  if (parent.has_ids) ids(parent);
  if (all.grandparent != nullptr) {
    raw(",\"parent\":{");
    short_identity(*all.grandparent);
    raw("}");
    if (is_cut(*all.grandparent)) shortened |= kParentCut;
  }
  raw("}");
}

void Line::leader(std::string_view name, ProcessKey key, const Process* leader, const Process& self) {
  if (key.pid == 0) return;
  raw(name);
  if (leader == nullptr) {
    // It has ended, and another process may have its pid by now.
    number("\"pid\":", key.pid);
  } else {
    short_identity(*leader);
    if (leader->has_ids) raw(leader->facts.tty_major != 0 ? ",\"interactive\":true" : ",\"interactive\":false");
  }
  raw(leader == &self ? ",\"same_as_process\":true}" : ",\"same_as_process\":false}");
}

void Line::entry_leader(const Relations& all) {
  if (all.entry_leader == nullptr || all.entry_leader->facts.pid == 0) return;
  const Process& leader = *all.entry_leader;
  raw(",\"entry_leader\":{");
  short_identity(leader);
  if (leader.image != nullptr) {
    args(leader.image->args, leader.image->args_count, (leader.image->flags & KESTREL_FLAG_ARGS_UNREAD) != 0);
    if (is_cut(leader)) shortened |= kEntryLeaderCut;
  }
  raw(&leader == all.self ? ",\"same_as_process\":true" : ",\"same_as_process\":false");
  raw(",\"entry_meta\":{\"type\":\"");
  raw(entry_name(all.self->entry_type));
  raw("\"}}");
}

}  // namespace kestrel

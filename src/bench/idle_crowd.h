// IdleCrowd: a share of the clients of `godwit bench conn`, on a thread with a file table of its
// own.
#pragma once

#include "bench/faults.h"
#include "bench/histogram.h"
#include "bench/options.h"

#include <atomic>
#include <thread>

namespace godwit::bench {

class Subscribers;

class IdleCrowd {
public:
    /// Connects them; they stay, and ping. @param plan  of this share; its fleet hears no signals
    IdleCrowd(Plan plan, uint32_t number);
    /// Drops those that are still there.
    ~IdleCrowd();
    IdleCrowd(const IdleCrowd&) = delete;
    IdleCrowd& operator=(const IdleCrowd&) = delete;

    /// Connected and subscribed. Thread: any, as the following
    uint64_t done_count() const { return done_count_; }
    uint64_t open_count() const { return open_count_; }
    uint64_t ping_count() const { return ping_count_; }
    /// A fault has come that nothing can follow.
    bool is_hopeless() const { return is_hopeless_; }
    /// All leave.
    void leave() { leaves_ = true; }
    /// Ends the thread, whatever it has come to. The rest is for after this.
    void end();

    const Faults& faults() const { return faults_; }
    const Histogram& connect_times() const { return connect_times_; }
    const Histogram& ping_times() const { return ping_times_; }

private:
    void run(Plan plan, uint32_t number);
    void hold(Plan plan, uint32_t number);

    std::atomic<uint64_t> done_count_{0}, open_count_{0}, ping_count_{0};
    std::atomic<bool> is_hopeless_{false}, leaves_{false}, ends_{false};
    Faults faults_;
    Histogram connect_times_, ping_times_;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace godwit::bench

// Beside: pairs in steady traffic at QoS 0 beside a storm, on a thread of their own: what others
// feel of it, and not what its own clients cost this program.
#pragma once

#include "bench/report.h"
#include "bench/run.h"

#include <atomic>
#include <future>
#include <thread>

namespace godwit::bench {

class Beside {
public:
    /// Connects them and measures a time of quiet, as `storm` asks for.
    explicit Beside(const Run& storm);
    ~Beside();
    Beside(const Beside&) = delete;
    Beside& operator=(const Beside&) = delete;

    /// @return  false: it could not be measured, and end() says why
    bool wait_until_measured() { return measured_.get_future().get(); }
    /// What it was without a storm. After wait_until_measured().
    const Phase& quiet() const { return quiet_; }
    /// From here on, until the end of the storm, latencies are of the storm.
    void begin_storm() { step_ = Step::Storm; }
    LatencySummary end_storm();
    /// Lets what is under way come, ends the thread, and adds its verdict and faults.
    void end(Report& into);

private:
    enum class Step : uint8_t { Quiet, Storm, Rest, End };
    void run(Plan plan, uint32_t number);
    bool measure_quiet(Run& run, class Traffic& traffic);
    void endure(Run& run, Traffic& traffic);

    std::atomic<Step> step_{Step::Quiet};
    std::promise<bool> measured_;
    std::promise<LatencySummary> stormy_;
    Phase quiet_;
    Verdict verdict_;
    Faults faults_;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace godwit::bench

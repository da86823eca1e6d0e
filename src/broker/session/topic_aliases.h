// Topic aliases of one connection, in both directions. They end with it [MQTT5-3.3.2-7].
// Source: MQTT 5.0 section 3.3.2.3.4
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace godwit::broker {

enum class AliasError : uint8_t { OutOfRange, Unknown };

/// The client's aliases. @cost one string for each alias in use
class AliasesIn {
public:
    /// The topic that a PUBLISH means: its own (which the alias then stands for), or the one its
    /// alias stands for.
    /// @return  borrowed; valid until the next call
    /// @errors  OutOfRange: 0 or above `maximum` [MQTT5-3.3.2-8] [MQTT5-3.3.2-9]; Unknown: no
    /// topic, and none known
    Result<std::string_view, AliasError> resolve(uint16_t alias, std::string_view topic,
                                                 uint16_t maximum);
    /// Of all topics. @cost a look at each alias in use
    uint64_t bytes() const;

private:
    std::vector<std::string> topics_;  // by alias - 1
};

/// The broker's own aliases for a client that allows `maximum` of them: first come, first served,
/// then no more.
class AliasesOut {
public:
    struct Use {
        uint16_t alias = 0;      // 0: none, send the topic
        bool send_topic = true;  // the first use carries both
    };
    void set_maximum(uint16_t maximum) { maximum_ = maximum; }
    Use use(std::string_view topic);
    /// The packet of the last use() was not sent after all.
    void undo(std::string_view topic) { aliases_.erase(std::string(topic)); }

private:
    uint16_t maximum_ = 0;
    std::unordered_map<std::string, uint16_t> aliases_;
};

}  // namespace godwit::broker

// UTF-8 as MQTT wants it: well formed, no surrogates, no U+0000. Nothing is normalized or stripped.
// Source: [MQTT5-1.5.4-1] [MQTT5-1.5.4-2] [MQTT5-1.5.4-3], the same in MQTT 3.1.1 section 1.5.3.
#pragma once

#include <string_view>

namespace godwit {

/// @cost  one pass, eight ASCII bytes at a time, no allocation
bool is_mqtt_utf8(std::string_view text);

}  // namespace godwit

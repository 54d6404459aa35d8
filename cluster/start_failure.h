// Why something could not start, for a person. Any core.
#pragma once

#include <string>

#include "base/error.h"

namespace ringlog::cluster {

struct StartFailure {
    Error error;
    std::string text;  ///< The likely cause, and what mends it.
};

}  // namespace ringlog::cluster

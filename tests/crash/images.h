// The images that a crash could leave at one moment of a recorded life: of a power loss (what was
// not durable is kept, dropped or torn, write by write) and of a kill (only writes in flight are
// open). Explained in tests/crash/README.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tests/crash/model.h"

namespace ringlog::crash {

struct ImageLimits {
    uint64_t exhaustive = 256;  ///< Up to so many outcomes, all are built, sector by sector.
    uint64_t images_max = 200;  ///< Of a moment: beyond, a sample that is drawn by the seed.
    uint64_t seed = 1;
};

/// One image, as a recipe: the same on every call.
struct ImageRecipe {
    bool kill = false;
    std::function<std::unique_ptr<simulation::SimDisk>()> build;
};

/// Recipes for the moment that `model` is at; they hold while it is.
std::vector<ImageRecipe> images_of(const Model& model, const ImageLimits& limits);

/// Of every name and every byte that a reader sees.
uint64_t image_hash(const simulation::SimDisk& disk);

}  // namespace ringlog::crash

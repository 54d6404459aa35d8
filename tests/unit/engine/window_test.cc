// Chunks of the window: whose bytes a reader holds is not filled again.
#include "engine/window.h"

#include <gtest/gtest.h>

#include "tests/simulation/sim_world.h"

namespace ringlog::engine {
namespace {

class Nobody : public WindowObserver {
public:
    void on_chunk_recycled(const Chunk&) override {}
};

TEST(Window, AChunkThatAReaderHoldsIsNotFilledAgain) {
    simulation::SimWorld world(1);
    simulation::SimNode& node = world.add_node({});
    Nobody nobody;
    Window window(node.reactor(0), {.bytes = 3 << 16, .chunk_bytes = 1 << 16, .spare_chunks = 1},
                  nobody);
    ASSERT_TRUE(window.advance(false));
    Chunk* const first = window.current();
    const Slice held(*first, ByteView(first->data, 100));
    for (int i = 0; i < 8; ++i) {
        ASSERT_TRUE(window.advance(false));
        EXPECT_NE(window.current(), first) << i;
    }
}

}  // namespace
}  // namespace ringlog::engine

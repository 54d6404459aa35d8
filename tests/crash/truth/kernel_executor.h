// A loop-mounted file system as an executor of TruthScenario: it is shut down without its log, then
// mounted again. Needs root and loop devices. Explained in tests/crash/README.md.
#pragma once

#include <string>

#include "base/error.h"
#include "tests/crash/truth/steps.h"
#include "tests/support/temporary_directory.h"

namespace ringlog::truth {

class KernelExecutor {
public:
    /// `type` is "ext4" or "xfs". In a mount namespace of its own, so that nothing is left of it.
    explicit KernelExecutor(std::string type) : type_(std::move(type)) {}
    KernelExecutor(const KernelExecutor&) = delete;
    KernelExecutor& operator=(const KernelExecutor&) = delete;
    ~KernelExecutor();

    /// Makes the file system. Why that is not possible here; empty if it is.
    std::string prepare();
    /// What is there after the shutdown and the next mount. Errors: of a step.
    Result<Tree> run(const TruthScenario& scenario);

private:
    [[nodiscard]] std::string mount_point() const { return directory_.path() + "/mount"; }
    bool mount();
    bool unmount();
    Result<void> shut_down();
    Result<void> run_steps(const std::vector<Step>& steps);
    Result<void> run_step(const Step& step);
    Result<void> run_on_file(const Step& step, int32_t descriptor);
    void remove_everything();

    std::string type_;
    test::TemporaryDirectory directory_;
    bool mounted_ = false;
};

}  // namespace ringlog::truth

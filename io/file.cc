// Files as awaitable operations. See io/file.h.
#include "io/file.h"

#include <cerrno>

namespace ringlog::io {

void FileOp::await_suspend(std::coroutine_handle<> awaiting) {
    waiter_ = awaiting;
    done = [](Op& op, const Completion& completion) {
        auto& self = static_cast<FileOp&>(op);
        self.result_ = completion.result;
        self.reactor_.schedule(self.waiter_);
    };
    reactor_.backend().submit(*this);
}

Result<uint32_t> FileOp::await_resume() const {
    if (result_ >= 0) {
        return static_cast<uint32_t>(result_);
    }
    const Errc code = result_ == -ENOSPC || result_ == -EDQUOT ? Errc::no_space : Errc::io_failed;
    return fail(code, -result_, static_cast<int64_t>(position));
}

Result<File> File::attach(Reactor& reactor, const OpenedFile& opened) {
    auto handle = reactor.backend().attach(opened.descriptor);
    if (!handle) {
        return fail(handle.error());
    }
    File file;
    file.reactor_ = &reactor;
    file.handle_ = *handle;
    file.direct_ = opened.direct;
    file.block_bytes_ = opened.block_bytes;
    return file;
}

FileOp File::read(Bytes to, uint64_t position, int16_t buffer_index) {
    RL_ASSERT(is_open());
    return {*reactor_, Op{.kind = Op::Kind::read,
                          .buffer_index = buffer_index,
                          .handle = handle_,
                          .data = to.data(),
                          .length = static_cast<uint32_t>(to.size()),
                          .position = position}};
}

FileOp File::write(ByteView from, uint64_t position, WriteMode mode, int16_t buffer_index) {
    RL_ASSERT(is_open());
    return {*reactor_, Op{.kind = Op::Kind::write,
                          .flushed = mode == WriteMode::flushed || !direct_,
                          .buffer_index = buffer_index,
                          .handle = handle_,
                          .data = const_cast<std::byte*>(from.data()),
                          .length = static_cast<uint32_t>(from.size()),
                          .position = position}};
}

FileOp File::flush() {
    RL_ASSERT(is_open());
    return {*reactor_, Op{.kind = Op::Kind::flush, .handle = handle_}};
}

void File::close() {
    if (is_open()) {
        reactor_->backend().close(std::exchange(handle_, -1));
    }
}

}  // namespace ringlog::io

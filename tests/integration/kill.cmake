# The broker killed under load, a proof that this test can fail, and the tests of the checker that judges it. A long run:
# kill_test.py --cycles 100. One port range serves them all, but a port is taken by whoever finds it free.
if(DEBIAN_PYTHON)
    set(kill_environment "RINGLOG_BINARY=$<TARGET_FILE:ringlog>;PYTHONDONTWRITEBYTECODE=1")
    add_test(NAME history_checker
        COMMAND ${DEBIAN_PYTHON} ${PROJECT_SOURCE_DIR}/tests/history/checker_test.py)
    set_tests_properties(history_checker PROPERTIES ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1" TIMEOUT 120)
    add_test(NAME integration_kill
        COMMAND ${DEBIAN_PYTHON} -W ignore ${CMAKE_CURRENT_LIST_DIR}/kill_test.py --cycles 6 --durability both)
    add_test(NAME integration_kill_epoll
        COMMAND ${DEBIAN_PYTHON} -W ignore ${CMAKE_CURRENT_LIST_DIR}/kill_test.py --cycles 5 --durability power)
    add_test(NAME integration_kill_proof
        COMMAND ${DEBIAN_PYTHON} -W ignore ${CMAKE_CURRENT_LIST_DIR}/kill_proof_test.py)
    set_tests_properties(integration_kill integration_kill_proof PROPERTIES
        LABELS integration TIMEOUT 300 ENVIRONMENT "${kill_environment}")
    set_tests_properties(integration_kill_epoll PROPERTIES
        LABELS integration TIMEOUT 300 ENVIRONMENT "${kill_environment};RINGLOG_TEST_OVERRIDES=ringlog.io=epoll")
endif()

# Stand-ins for the macros of Slicer and CTK that a scripted module uses. They take the same
# arguments, insist on what the real ones insist on, copy each file to the place where the real ones
# would put it, and write down the tests that are registered.
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR lib/Slicer-stand-in/qt-scripted-modules)
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR lib/Slicer-stand-in/qt-scripted-modules)

if(BUILD_TESTING)
  enable_testing()
endif()

function(stand_in_copy source_dir destination_dir)
  foreach(file IN LISTS ARGN)
    if(IS_ABSOLUTE "${file}" OR file MATCHES "\\.\\.")
      message(FATAL_ERROR "The macro would put '${file}' outside ${destination_dir}.")
    endif()
    if(NOT EXISTS "${source_dir}/${file}")
      message(FATAL_ERROR "There is no file '${file}' in ${source_dir}.")
    endif()
    configure_file("${source_dir}/${file}" "${destination_dir}/${file}" COPYONLY)
  endforeach()
endfunction()

function(ctkMacroCompilePythonScript)
  cmake_parse_arguments(
    MY "NO_INSTALL_SUBDIR;GLOBAL_TARGET" "TARGET_NAME;SOURCE_DIR;DESTINATION_DIR;INSTALL_DIR"
    "SCRIPTS;RESOURCES" ${ARGN}
  )
  if(MY_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "Unknown arguments: ${MY_UNPARSED_ARGUMENTS}")
  endif()
  foreach(name TARGET_NAME SCRIPTS DESTINATION_DIR INSTALL_DIR)
    if(NOT MY_${name})
      message(FATAL_ERROR "${name} is mandatory.")
    endif()
  endforeach()
  if(NOT MY_SOURCE_DIR)
    set(MY_SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  # The real macro makes targets of this name: two of one name would collide.
  add_custom_target(Copy${MY_TARGET_NAME}PythonScriptFiles)
  stand_in_copy(${MY_SOURCE_DIR} ${MY_DESTINATION_DIR} ${MY_SCRIPTS} ${MY_RESOURCES})
  if(MY_NO_INSTALL_SUBDIR)
    install(DIRECTORY ${MY_DESTINATION_DIR}/ DESTINATION ${MY_INSTALL_DIR})
  else()
    install(DIRECTORY ${MY_DESTINATION_DIR} DESTINATION ${MY_INSTALL_DIR})
  endif()
endfunction()

function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(
    MY "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN}
  )
  if(MY_UNPARSED_ARGUMENTS OR NOT MY_NAME)
    message(FATAL_ERROR "NAME is missing, or unknown arguments: ${MY_UNPARSED_ARGUMENTS}")
  endif()
  ctkMacroCompilePythonScript(
    TARGET_NAME ${MY_NAME}
    SCRIPTS "${MY_SCRIPTS}"
    RESOURCES "${MY_RESOURCES}"
    DESTINATION_DIR ${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}
    INSTALL_DIR ${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}
    NO_INSTALL_SUBDIR
  )
endfunction()

function(slicer_add_python_unittest)
  cmake_parse_arguments(MY "" "SCRIPT;TESTNAME_PREFIX" "SLICER_ARGS" ${ARGN})
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${MY_SCRIPT}")
    message(FATAL_ERROR "There is no test '${MY_SCRIPT}'.")
  endif()
  file(APPEND ${CMAKE_BINARY_DIR}/registered_tests.txt "${MY_SCRIPT}\n")
endfunction()

"""With BAREWIRE_CLASSES=generated, the tests of this folder run on generated classes instead of loaded ones."""

from __future__ import annotations

import os

import pytest

from barewire import schema

GENERATED = os.environ.get("BAREWIRE_CLASSES") == "generated"

# About loading itself, or about what differs on purpose: registries, names of modules, pickling by registry.
ABOUT_LOADING = {
    "test_a_name_that_is_not_there",
    "test_a_refused_file_leaves_no_trace",
    "test_a_well_known_file_can_be_loaded_by_its_name",
    "test_classes_and_what_hangs_on_them",
    "test_custom_options_belong_to_their_registry",
    "test_the_bookstore_as_the_readme_has_it",
    "test_two_files_of_one_name_are_not_taken_for_each_other",
    "test_two_loads_into_one_registry_share_classes",
    "test_unpickling_without_the_registry",
    "test_what_two_files_of_a_registry_declare_must_differ",
}

if GENERATED:
    from tests.support import generated

    schema.load = generated.load  # type: ignore[assignment]
    schema.loads = generated.loads  # type: ignore[assignment]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if GENERATED:
        for item in items:
            if item.name in ABOUT_LOADING:
                item.add_marker(pytest.mark.skip(reason="about loading"))

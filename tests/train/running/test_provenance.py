import pytest

from train.running.provenance import training_command


@pytest.mark.parametrize("run", [[], ["--run", "/somebody/s/folder"], ["--run=/somebody/s/folder"]])
def test_the_command_names_every_setting_but_not_the_run_folder(run):
    given = ["/x/train/cycle.py", "--preset", "smoke", *run, "--gan.init", "a b"]
    assert training_command(given) == "python -m train.cycle --preset smoke --gan.init 'a b'"


@pytest.mark.parametrize("flag", ["--data", "--photographs.source"])
@pytest.mark.parametrize("joined", [False, True])
def test_of_the_photographs_the_command_has_the_folder_s_name(flag, joined):
    folder = "/home/somebody/birds/"
    data = [f"{flag}={folder}"] if joined else [flag, folder]
    command = training_command(["/x/train/cycle.py", *data, "--run", "mine", "--preset", "cpu"])
    assert command.replace("=", " ") == f"python -m train.cycle {flag} birds --preset cpu"


def test_a_command_beside_the_cycle_names_its_own_module_and_no_place_on_this_machine():
    given = ["/x/train/adapt.py", "--photos", "/home/me/cars", "--bundle=/y/bundle", "--out", "/z"]
    command = training_command([*given, "--meshes", "m/", "--steps", "3"])
    named = "--photos cars --bundle=bundle --meshes m --steps 3"
    assert command == f"python -m train.adapt {named}"

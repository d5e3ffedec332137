from train.evaluation.refinement_report import folder_names


def test_photographs_of_one_name_have_folders_of_their_own() -> None:
    assert folder_names(["car", "van", "car", "car_2", "Car"]) == [
        "car", "van", "car_2", "car_2_2", "Car_3",
    ]  # fmt: skip

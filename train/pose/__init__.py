"""Pose estimation: the attribute classifier, and the estimators that label photographs."""

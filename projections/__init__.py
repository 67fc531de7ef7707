"""What people see: pure folds, event after event."""

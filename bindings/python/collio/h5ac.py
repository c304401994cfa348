"""How HDF5 keeps structure in memory, by h5py's names: a record, with HDF5's defaults."""


class CacheConfig:
    """The numbers of HDF5's H5AC_cache_config_t."""

    def __init__(self, **known):
        self.version, self.rpt_fcn_enabled, self.evictions_enabled, self.set_initial_size = 1, False, True, True
        self.initial_size, self.min_clean_fraction, self.max_size, self.min_size = 2 << 20, 0.3, 32 << 20, 1 << 20
        self.epoch_length, self.incr_mode, self.lower_hr_threshold, self.increment = 50000, 1, 0.9, 2.0
        self.apply_max_increment, self.max_increment, self.flash_incr_mode = True, 4 << 20, 1
        self.flash_multiple, self.flash_threshold, self.decr_mode, self.upper_hr_threshold = 1.0, 0.25, 3, 0.999
        self.decrements, self.apply_max_decrement, self.max_decrement = 0.9, True, 1 << 20
        self.epochs_before_eviction, self.apply_empty_reserve, self.empty_reserve = 3, True, 0.1
        self.dirty_bytes_threshold = 256 << 10
        self.__dict__.update(known)

    def __eq__(self, other):
        return isinstance(other, CacheConfig) and vars(self) == vars(other)

    __hash__ = None

//! Who takes part in the gRPC benchmarks.

/// All servers, each having its turns in the same way: `$turn` is given what its server is called, the cell and the settings.
macro_rules! contenders {
    ($turn:path) => {
        &[
            $crate::turn::contender!($crate::servers::MAJORDOMO, $turn, $crate::measure::can),
            $crate::turn::contender!($crate::servers::TONIC_MT, $turn, $crate::measure::can),
            $crate::turn::contender!($crate::servers::TONIC_CT, $turn, $crate::measure::can),
            $crate::turn::contender!($crate::servers::BARE, $turn, $crate::measure::can),
            $crate::turn::contender!($crate::servers::GRPC_GO, $turn, $crate::servers::without_go),
        ]
    };
}

pub(super) use contenders;

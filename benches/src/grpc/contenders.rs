//! Who takes part in the gRPC benchmarks.

/// All servers, each having its turns in the same way: `$turn` is given the server's name, the cell and the settings.
macro_rules! contenders {
    ($turn:path) => {
        &[
            $crate::grpc::contenders::contender!($crate::servers::MAJORDOMO, $turn, $crate::measure::can),
            $crate::grpc::contenders::contender!($crate::servers::TONIC_MT, $turn, $crate::measure::can),
            $crate::grpc::contenders::contender!($crate::servers::TONIC_CT, $turn, $crate::measure::can),
            $crate::grpc::contenders::contender!($crate::servers::BARE, $turn, $crate::measure::can),
            $crate::grpc::contenders::contender!(
                $crate::servers::GRPC_GO,
                $turn,
                $crate::servers::without_go
            ),
        ]
    };
}

/// One of them.
macro_rules! contender {
    ($server:path, $turn:path, $cannot:path) => {
        $crate::measure::Contender {
            name: $server.name,
            settings: $server.settings,
            turn: $crate::measure::Turn::Here(|cell, settings| $turn($server.name, cell, settings)),
            cannot: $cannot,
        }
    };
}

pub(super) use {contender, contenders};

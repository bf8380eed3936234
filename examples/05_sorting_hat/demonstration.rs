//! Both ends in one process: every answer that there is, over a restart.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use actix::Addr;
use majordomo::api_errors::{ApiError, ERR_ALREADY_EXISTS, ERR_NOT_FOUND, ERR_VALIDATION, SentinelError};
use majordomo::{BoxError, GetStatus, Manager, StartShutdown, WaitForShutdown, WaitUntilRunning};
use tonic::{Response, Status};

use crate::client::{Client, connect, pupil, told};
use crate::sortinghat::{House, Pupil, Sorted};

pub async fn run() -> Result<(), BoxError> {
    // A database that others use as well knows other pupils.
    let unique =
        format!("{}.{}", std::process::id(), SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos());
    let file = env::temp_dir().join(format!("sorting_hat.{unique}.sqlite3"));
    let database = match env::var("DATABASE_URL") {
        Ok(url) if !url.is_empty() => url,
        _ => file.to_string_lossy().into_owned(),
    };
    let shown = show(&database, &format!("Harry {unique}")).await;
    let _ = std::fs::remove_file(file);
    shown
}

async fn show(database: &str, name: &str) -> Result<(), BoxError> {
    let (manager, mut hat) = start(database).await?;
    println!("{name} is sorted: {:?}", house(hat.sort(pupil(name)).await)?);
    let again = refused(hat.sort(pupil(name)).await, &ERR_ALREADY_EXISTS)?;
    let detail = again.detail_of::<Pupil>().ok_or("the pupil is missing among the details")?;
    println!("{} is not sorted twice", detail.name);
    refused(hat.find(pupil("Dudley")).await, &ERR_NOT_FOUND)?;
    refused(hat.sort(pupil("")).await, &ERR_VALIDATION)?;
    stop(manager).await?;

    let (manager, mut hat) = start(database).await?;
    println!("after a restart {name} is found: {:?}", house(hat.find(pupil(name)).await)?);
    stop(manager).await
}

async fn start(database: &str) -> Result<(Addr<Manager>, Client), BoxError> {
    let manager = crate::manager("127.0.0.1:0", database).start();
    manager.send(WaitUntilRunning).await??;
    let address = manager.send(GetStatus).await?.grpc_address.ok_or("the manager serves no gRPC")?;
    Ok((manager, connect(&address.to_string()).await?))
}

async fn stop(manager: Addr<Manager>) -> Result<(), BoxError> {
    manager.send(StartShutdown).await?;
    Ok(manager.send(WaitForShutdown).await??)
}

fn house(answer: Result<Response<Sorted>, Status>) -> Result<House, BoxError> {
    Ok(House::try_from(answer.map_err(|status| told(&status))?.into_inner().house)?)
}

/// The error that it must be, with the frames of both ends.
fn refused(answer: Result<Response<Sorted>, Status>, sentinel: &SentinelError) -> Result<ApiError, BoxError> {
    let status = answer.err().ok_or_else(|| format!("there should have been an error: {sentinel}"))?;
    println!("{}", told(&status));
    let error = ApiError::from_status(&status).filter(|error| error.is(sentinel) && error.trace().len() == 2);
    error.ok_or_else(|| format!("that should have been {sentinel}, with two frames").into())
}

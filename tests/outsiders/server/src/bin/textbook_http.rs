//! A server of actix-web as its own documentation starts it, inside a service: with its own signal handlers.
//!
//! ```text
//!   stdout   127.0.0.1:41234       where it serves
//!            released              its resource was released, in order
//!            {"ok":..,"exit_code":..,"error":..}
//! ```

use actix_web::{App, HttpServer, web};
use majordomo::{BoxError, Manager, ManagerError, ManagerOptions, Run, resource_fn, service_fn};

async fn serve(run: Run) -> Result<(), BoxError> {
    let released = resource_fn(|| async {
        println!("released");
        Ok(())
    });
    run.resources.start("pool", released)?;
    let server = HttpServer::new(|| App::new().route("/", web::get().to(async || "ok")))
        .workers(1)
        .bind(("127.0.0.1", 0))?;
    println!("{}", server.addrs()[0]);
    server.run().await?;
    Ok(())
}

#[actix::main]
async fn main() {
    let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false));
    let other = service_fn("other", |run: Run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    let result = manager.service(service_fn("web", serve)).service(other).run().await;
    let error = result.as_ref().err().map(ToString::to_string);
    let exit_code = result.as_ref().err().map_or(0, ManagerError::exit_code);
    println!("{}", serde_json::json!({ "ok": result.is_ok(), "exit_code": exit_code, "error": error }));
    majordomo::exit(result)
}

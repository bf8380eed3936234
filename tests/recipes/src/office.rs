//! actix-web, over the pool of sqlx.

use actix_web::{App, HttpResponse, web};
use majordomo::{ServiceSpec, Setup};
use majordomo_actix_web::{ActixWebOptions, ActixWebServer, actix_web_service_fn};
use sqlx::{SqlitePool, query_scalar};

async fn count(pool: web::Data<SqlitePool>) -> HttpResponse {
    match query_scalar::<_, i64>("SELECT count(*) FROM visits").fetch_one(pool.get_ref()).await {
        Ok(visits) => HttpResponse::Ok().body(visits.to_string()),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

pub fn office(address: &str) -> ServiceSpec<ActixWebServer> {
    let options = ActixWebOptions::new().workers(1);
    let office = actix_web_service_fn("office", address, options, |setup: Setup| async move {
        let pool = web::Data::new(setup.require::<SqlitePool>()?);
        Ok(move || App::new().app_data(pool.clone()).route("/visits", web::get().to(count)))
    });
    office.depends_on("database")
}

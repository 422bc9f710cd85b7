//! What holds on both databases.

use super::*;
use domain::ids::{BalanceId, PartnerId};
use domain::money::{Amount, Currency};
use jiff::{Timestamp, civil::date};
use uuid::Uuid;

const ALL: Sql = Sql("
    select partner_id, id, flag, number, label, bytes, at, document
    from thing
    order by partner_id, id");

const BY_KEY: Each = Each {
    sql: "select number from thing where partner_id = $1 and id = $2",
    keys: &[Type::Int, Type::Uuid],
};

const SET_NUMBER: Each = Each {
    sql: "
        update thing
        set number = $3
        where partner_id = $1 and id = $2 and number = $4",
    keys: &[Type::Int, Type::Uuid, Type::Int, Type::Int],
};

fn corrupt<T: FromValue>(row: &Row, column: &str) {
    assert!(matches!(row.get::<T>(column), Err(StoreError::Corrupt(it)) if it == column));
}

both! {
    /// Each type comes back as it went in, in one row at a time and in many.
    async fn each_type_comes_back(db) {
        let at: Timestamp = "2026-02-03T04:05:06.789012Z".parse().expect("a time");
        let document = serde_json::json!({"a": [1, "ż", null]});
        let id = Uuid::from_u128(7);
        let insert = Sql("
            insert into thing (partner_id, id, flag, number, label, bytes, at, document)
            values ($1, $2, $3, $4, $5, $6, $7, $8)");
        let mut tx = db.begin().await.expect("works");
        let bytes: &[u8] = &[0, 255];
        let parameters: &[&dyn ToValue] =
            &[&PartnerId(1), &BalanceId(id), &true, &i64::MAX, &"żółw", &bytes, &at, &document];
        assert_eq!(tx.run(&insert, parameters).await.expect("works"), 1);
        let mut many: Vec<Value> = parameters.iter().map(|it| it.to_value()).collect();
        many[0] = 2_i64.to_value();
        many[4] = "other".to_value();
        assert_eq!(tx.insert_all(&THING, &[many, thing(3, 7, i64::MIN)]).await.expect("works"), 2);

        let rows = tx.rows(&ALL, &[]).await.expect("works");
        assert_eq!(rows.len(), 3);
        for (partner, label, row) in [(1, "żółw", &rows[0]), (2, "other", &rows[1])] {
            assert_eq!(row.get::<PartnerId>("partner_id").expect("works"), PartnerId(partner));
            assert_eq!(row.get::<BalanceId>("id").expect("works"), BalanceId(id));
            assert!(row.get::<bool>("flag").expect("works"));
            assert_eq!(row.get::<i64>("number").expect("works"), i64::MAX);
            assert_eq!(row.get::<Amount>("number").expect("works").minor(), i64::MAX);
            assert_eq!(row.get::<String>("label").expect("works"), label);
            assert_eq!(row.get::<Vec<u8>>("bytes").expect("works"), [0, 255]);
            assert_eq!(row.get::<Timestamp>("at").expect("works"), at);
            assert_eq!(row.get::<serde_json::Value>("document").expect("works"), document);
        }
        assert_eq!(rows[2].get::<i64>("number").expect("works"), i64::MIN);
        for column in ["flag", "label", "bytes", "at", "document"] {
            corrupt::<String>(&rows[2], column);
        }
        assert_eq!(rows[2].get::<Option<bool>>("flag").expect("works"), None);
        assert_eq!(rows[2].get::<Option<Timestamp>>("at").expect("works"), None);
        assert_eq!(rows[2].get::<Option<serde_json::Value>>("document").expect("works"), None);
    }
}

both! {
    async fn what_is_no_value_of_the_type_is_corrupt(db) {
        let mut row = thing(1, 1, -1);
        row[4] = "XXX".to_value();
        insert(&db, &[row]).await;
        let mut tx = db.read().await.expect("works");
        let row = tx.row(&ALL, &[]).await.expect("works");
        corrupt::<Amount>(&row, "number");
        corrupt::<u32>(&row, "number");
        corrupt::<bool>(&row, "number");
        corrupt::<Currency>(&row, "label");
        corrupt::<jiff::civil::Date>(&row, "label");
        corrupt::<i64>(&row, "label");
        corrupt::<i64>(&row, "nowhere");
        assert_eq!(row.get::<i32>("number").expect("works"), -1);
    }
}

both! {
    async fn a_date_a_currency_and_a_digest_come_back(db) {
        let mut row = thing(1, 1, 0);
        row[4] = date(2026, 2, 28).to_value();
        row[5] = [9_u8; 32].to_value();
        let mut other = thing(2, 2, 0);
        other[4] = Currency::EUR.to_value();
        insert(&db, &[row, other]).await;
        let mut tx = db.read().await.expect("works");
        let rows = tx.rows(&ALL, &[]).await.expect("works");
        assert_eq!(rows[0].get::<jiff::civil::Date>("label").expect("works"), date(2026, 2, 28));
        assert_eq!(rows[0].get::<[u8; 32]>("bytes").expect("works"), [9; 32]);
        assert_eq!(rows[1].get::<Currency>("label").expect("works"), Currency::EUR);
    }
}

both! {
    async fn one_row_is_not_found_or_one_too_many(db) {
        insert(&db, &[thing(1, 1, 10), thing(1, 2, 20)]).await;
        let one = Sql("select number from thing where number > $1");
        let mut tx = db.begin().await.expect("works");
        let row = tx.row(&one, &[&10_i64]).await.expect("works");
        assert_eq!(row.get::<i64>("number").expect("works"), 20);
        assert!(matches!(tx.row(&one, &[&20_i64]).await, Err(StoreError::NotFound)));
        assert!(tx.find(&one, &[&20_i64]).await.expect("works").is_none());
        assert!(matches!(tx.find(&one, &[&0_i64]).await, Err(StoreError::Broken(_))));
        tx.commit().await.expect("works");
    }
}

both! {
    async fn rows_are_read_for_each_key(db) {
        insert(&db, &[thing(1, 1, 10), thing(1, 2, 20), thing(2, 1, 30)]).await;
        let mut tx = db.read().await.expect("works");
        let rows = tx.rows_each(&BY_KEY, &[key(2, 1), key(1, 1), key(9, 9)]).await.expect("works");
        let number = |row: &Row| row.get::<i64>("number").expect("works");
        let mut numbers: Vec<i64> = rows.iter().map(number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [10, 30]);
        assert!(tx.rows_each(&BY_KEY, &[]).await.expect("works").is_empty());
    }
}

both! {
    async fn an_update_for_each_key_counts_only_what_it_changed(db) {
        insert(&db, &[thing(1, 1, 10), thing(1, 2, 20)]).await;
        let set = |id, to: i64, from: i64| {
            let mut row = key(1, id);
            row.extend([Value::Int(to), Value::Int(from)]);
            row
        };
        let mut tx = db.begin().await.expect("works");
        let changed = tx.run_each(&SET_NUMBER, &[set(1, 11, 10), set(2, 21, 20)]).await;
        assert_eq!(changed.expect("works"), 2);
        // The second one's version is another by now.
        let changed = tx.run_each(&SET_NUMBER, &[set(1, 12, 11), set(2, 22, 20)]).await;
        assert_eq!(changed.expect("works"), 1);
        assert_eq!(tx.run_each(&SET_NUMBER, &[]).await.expect("works"), 0);
        let delete = Each { sql: "delete from thing where number = $1", keys: &[Type::Int] };
        let gone = [vec![Value::Int(12)], vec![Value::Int(0)], vec![Value::Null]];
        assert_eq!(tx.run_each(&delete, &gone).await.expect("works"), 1);
        tx.commit().await.expect("works");
        assert_eq!(count(&db).await, 1);
    }
}

both! {
    async fn only_new_rows_are_inserted(db) {
        let mut tx = db.begin().await.expect("works");
        let rows = [thing(1, 1, 1), thing(1, 2, 2)];
        assert_eq!(tx.insert_all(&THING, &rows).await.expect("works"), 2);
        let rows = [thing(1, 2, 9), thing(1, 3, 3), thing(1, 3, 9)];
        assert_eq!(tx.insert_new(&THING, &rows).await.expect("works"), 1);
        assert_eq!(tx.insert_all(&THING, &[]).await.expect("works"), 0);
        tx.commit().await.expect("works");
        assert_eq!(count(&db).await, 3);
    }
}

both! {
    async fn arrays_are_parameters(db) {
        let mut labelled = thing(1, 3, 30);
        labelled[4] = "it's".to_value();
        insert(&db, &[thing(1, 1, 10), thing(1, 2, 20), labelled]).await;
        let ids = Value::Uuids(vec![Uuid::from_u128(1), Uuid::from_u128(3)]);
        let mut tx = db.read().await.expect("works");
        for (column, values, found) in [
            ("select 1 from thing where number = any($1)", Value::Ints(vec![10, 20, 99]), 2),
            ("select 1 from thing where number = any($1)", Value::Ints(vec![]), 0),
            ("select 1 from thing where id = any($1)", ids, 2),
            ("select 1 from thing where id = any($1)", Value::Uuids(vec![]), 0),
            ("select 1 from thing where label = any($1)", Value::Texts(vec!["it's".into()]), 1),
            ("select 1 from thing where label = any($1)", Value::Texts(vec![]), 0),
        ] {
            let rows = tx.rows(&Sql(column), &[&values]).await.expect("works");
            assert_eq!(rows.len(), found, "{column}");
        }
    }
}

both! {
    async fn a_dropped_transaction_leaves_nothing(db) {
        for _ in 0..12 {
            let mut tx = db.begin().await.expect("works");
            tx.insert_all(&THING, &[thing(1, 1, 1)]).await.expect("works");
            drop(tx);
            let mut tx = db.read().await.expect("works");
            tx.rows(&ALL, &[]).await.expect("works");
            drop(tx);
        }
        assert_eq!(count(&db).await, 0);
        insert(&db, &[thing(1, 1, 1)]).await;
        assert_eq!(count(&db).await, 1);
    }
}

both! {
    async fn the_end_follows_the_result(db) {
        let mut tx = db.begin().await.expect("works");
        tx.insert_all(&THING, &[thing(1, 1, 1)]).await.expect("works");
        let refused: Result<(), _> = tx.end(Err(StoreError::NotFound)).await;
        assert!(matches!(refused, Err(StoreError::NotFound)));
        assert_eq!(count(&db).await, 0);
        let mut tx = db.begin().await.expect("works");
        tx.insert_all(&THING, &[thing(1, 1, 1)]).await.expect("works");
        assert_eq!(tx.end(Ok::<_, StoreError>(5)).await.expect("works"), 5);
        assert_eq!(count(&db).await, 1);
    }
}

both! {
    async fn a_duplicate_is_named_and_nothing_after_it_is_committed(db) {
        let mut row = thing(1, 1, 1);
        row[4] = "one".to_value();
        insert(&db, &[row.clone()]).await;
        let of = |postgres, sqlite| if db.kind() == Kind::Postgres { postgres } else { sqlite };
        let mut tx = db.begin().await.expect("works");
        let error = tx.insert_all(&THING, &[thing(2, 2, 2), row.clone()]).await.expect_err("fails");
        let name = of("thing_key", "thing.partner_id, thing.id");
        assert!(matches!(&error, StoreError::Duplicate(it) if it == name), "{error}");
        assert!(matches!(tx.rows(&COUNT, &[]).await, Err(StoreError::Broken(_))));
        assert!(matches!(tx.commit().await, Err(StoreError::Broken(_))));
        assert_eq!(count(&db).await, 1);

        row[0] = Value::Int(2);
        let mut tx = db.begin().await.expect("works");
        let error = tx.insert_all(&THING, &[row]).await.expect_err("fails");
        let name = of("thing_label", "thing.label");
        assert!(matches!(&error, StoreError::Duplicate(it) if it == name), "{error}");
        tx.rollback().await;
    }
}

both! {
    async fn a_wrong_statement_is_broken_and_not_trouble(db) {
        for (text, parameters) in [
            ("select nothing from thing", &[] as &[&dyn ToValue]),
            ("select 1 from thing where number = $1", &[]),
            ("insert into thing (partner_id, number) values ($1, $1)", &[&1_i64]),
        ] {
            let mut tx = db.begin().await.expect("works");
            let error = tx.rows(&Sql(text), parameters).await.expect_err("fails");
            assert!(matches!(error, StoreError::Broken(_)), "{text}: {error}");
            assert!(!error.is_trouble());
        }
        assert_eq!(count(&db).await, 0);
    }
}

both! {
    async fn readers_see_a_snapshot_and_cannot_write(db) {
        insert(&db, &[thing(1, 1, 1)]).await;
        let mut tx = db.read().await.expect("works");
        assert_eq!(tx.rows(&ALL, &[]).await.expect("works").len(), 1);
        insert(&db, &[thing(1, 2, 2)]).await;
        assert_eq!(tx.rows(&ALL, &[]).await.expect("works").len(), 1);
        assert!(tx.insert_all(&THING, &[thing(1, 3, 3)]).await.is_err());
        tx.rollback().await;
        assert_eq!(count(&db).await, 2);
    }
}

both! {
    async fn an_engine_writes_and_the_database_answers(db) {
        let mut engine = db.engine(0).expect("works");
        for n in 1..4 {
            let mut tx = engine.begin().await.expect("works");
            tx.insert_all(&THING, &[thing(1, n, 1)]).await.expect("works");
            tx.commit().await.expect("works");
            drop(engine.begin().await.expect("works"));
        }
        assert_eq!(count(&db).await, 3);
        db.ping().await.expect("works");
        db.checkpoint().expect("works");
        assert!(!db.restart_wal_if_large().await.expect("works"));
        db.close().await.expect("works");
    }
}

/// Futures of transactions move between threads.
#[test]
fn transactions_can_be_sent() {
    fn sent<T: Send>(_: impl Fn(Db) -> T) {}
    sent(async |db: Db| -> Result<(), StoreError> {
        let mut tx = db.begin().await?;
        tx.rows(&COUNT, &[&1_i64]).await?;
        tx.run_each(&SET_NUMBER, &[]).await?;
        tx.script("").await?;
        let mut engine = db.engine(0)?;
        engine.begin().await?.commit().await?;
        db.restart_wal_if_large().await?;
        db.migrate(&[]).await?;
        tx.end(Ok(())).await
    });
}

/// A runtime of many threads goes another way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_of_many_threads_works_too() {
    let folder = TempDir::new().expect("works");
    for db in [new_sqlite(&folder).await, new_postgres(Options::default()).await] {
        let (one, two) = tokio::join!(insert_some(&db, 1), insert_some(&db, 2));
        assert_eq!(one + two, count(&db).await);
    }
}

async fn insert_some(db: &Db, partner: i64) -> i64 {
    for n in 0..20 {
        insert(db, &[thing(partner, n, 1)]).await;
    }
    20
}

#[test]
fn nothing_prints_a_value() {
    let value = Value::Text("secret".to_owned());
    let row = Row::new(vec![value.clone()], std::sync::Arc::new(vec!["name".to_owned()]));
    assert_eq!(format!("{value:?} {row:?}"), r#"Text {"name": Text}"#);
}

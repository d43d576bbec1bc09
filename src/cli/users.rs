//! `user`: users. The commands run the code of the operations, so that the same rules apply.

use std::io;

use chaingun_gateway::config::Config;
use chaingun_gateway::contract::shape::{List, Number};
use chaingun_gateway::contract::user::{FlatUser, WrappedUser};
use chaingun_gateway::domain::mailbox::MAX_EMAIL_CHARS;
use chaingun_gateway::domain::names::MAX_NAME_CHARS;
use chaingun_gateway::domain::notice::Topic;
use chaingun_gateway::operations::consent::delete_user_from_service::leave_by_operator;
use chaingun_gateway::operations::user::change_password::set_by_operator;
use chaingun_gateway::operations::user::check_password;
use chaingun_gateway::operations::user::create_user::CreateUserRequest;
use chaingun_gateway::operations::user::delete_user::DeleteUserRequest;
use chaingun_gateway::operations::user::find_users::FindUsersRequest;
use chaingun_gateway::operations::{Request as _, RequestContext};
use chaingun_gateway::store::{organisations, users};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{Column, Output, check_name, cx, explain, fail, open, profiles, secret_from_stdin};

/// Commands about users.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Add a user and print the token for setting a password.
    Add(AddArgs),
    /// Show a user.
    Show {
        /// The user name.
        user_name: String,
    },
    /// Find users by parts of their names.
    Find(FindArgs),
    /// Delete a user with all personal data and notify the services that it was assigned to. This cannot be undone.
    Erase {
        /// The user name.
        user_name: String,
        /// Confirm the deletion.
        #[arg(long)]
        yes: bool,
    },
    /// End a user's assignment to a service. The service is notified unless another user has the id there.
    LeaveService {
        /// The user name.
        user_name: String,
        /// The number of the service.
        service: i64,
    },
    /// Show or change the data that the loginbar shows of a user in addition to the name.
    Profile {
        /// The user name.
        user_name: String,
        #[command(flatten)]
        change: profiles::Change,
    },
    /// Set a password from standard input and sign the user out everywhere.
    SetPassword {
        /// The user name.
        user_name: String,
    },
}

/// The arguments of `user add`.
#[derive(Args)]
pub struct AddArgs {
    /// The user name, unique regardless of case.
    user_name: String,
    /// The e-mail address, unique.
    #[arg(long)]
    email: String,
    /// The person's name.
    #[arg(long)]
    name: String,
    /// A global role; may be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// The organisational unit.
    #[arg(long)]
    unit: Option<String>,
    /// The client that the user belongs to; Default if it is not given.
    #[arg(long)]
    client: Option<String>,
    /// Read a password from standard input and activate the user.
    #[arg(long)]
    password_stdin: bool,
}

/// The arguments of `user find`.
#[derive(Args)]
pub struct FindArgs {
    /// Part of the user name.
    #[arg(long)]
    user_name: Option<String>,
    /// Part of the person's name.
    #[arg(long)]
    name: Option<String>,
    /// Part of the e-mail address.
    #[arg(long)]
    email: Option<String>,
    /// UNACTIVATED, ACTIVE or INACTIVE; may be repeated.
    #[arg(long = "status", value_name = "STATUS")]
    statuses: Vec<String>,
    /// The most users to list.
    #[arg(long, default_value_t = 20)]
    limit: u16,
    /// The number of hits to skip.
    #[arg(long, default_value_t = 0)]
    offset: u32,
}

/// Runs a command.
pub fn run(config: &Config, output: Output, command: UserCommand) -> io::Result<()> {
    let app = open(config)?;
    let cx = cx(&app);
    match command {
        UserCommand::Add(args) => add(&cx, output, args),
        UserCommand::Show { user_name } => show(&cx, output, &user_name),
        UserCommand::Find(args) => find(&cx, output, args),
        UserCommand::Erase { user_name, yes } => {
            if !yes {
                return fail(format!(
                    "the deletion of {user_name} cannot be undone; add --yes to delete the user"
                ));
            }
            let request = DeleteUserRequest {
                user_name: user_name.clone(),
                ..Default::default()
            };
            Box::new(request).run(&cx).map_err(explain)?;
            output.done(
                &format!("{user_name} is erased."),
                &[("user_name", json!(user_name))],
            )
        }
        UserCommand::LeaveService { user_name, service } => {
            match leave_by_operator(&cx, &user_name, service).map_err(explain)? {
                true => output.done(
                    &format!("{user_name} has left service {service}."),
                    &[("user_name", json!(user_name)), ("service", json!(service))],
                ),
                false => fail(format!("{user_name} is not assigned to service {service}")),
            }
        }
        UserCommand::Profile { user_name, change } => {
            profiles::run(&cx, output, &user_name, &change)
        }
        UserCommand::SetPassword { user_name } => {
            let password = secret_from_stdin()?;
            let notice = Some(Topic::PasswordChanged);
            set_by_operator(&cx, &user_name, &password, notice).map_err(explain)?;
            output.done(
                &format!("{user_name} has a new password."),
                &[("user_name", json!(user_name))],
            )
        }
    }
}

fn add(cx: &RequestContext<'_>, output: Output, args: AddArgs) -> io::Result<()> {
    for (what, text, max) in [
        ("a user name", &args.user_name, MAX_NAME_CHARS),
        ("a name", &args.name, MAX_NAME_CHARS),
        ("an e-mail address", &args.email, MAX_EMAIL_CHARS),
    ] {
        check_name(what, text, max as usize)?;
    }
    for text in args.roles.iter().chain(&args.unit).chain(&args.client) {
        check_name("a role, unit or client", text, MAX_NAME_CHARS as usize)?;
    }
    let password = args.password_stdin.then(secret_from_stdin).transpose()?;
    if let Some(password) = &password {
        // The password is checked first, so that no user is created if the password is weak.
        let names = [args.user_name.as_str(), &args.name, &args.email];
        check_password(password, &names).map_err(explain)?;
    }
    let user_name = args.user_name;
    let request = CreateUserRequest {
        request_meta: None,
        user: Some(WrappedUser {
            client_name: args.client,
            email: Some(args.email),
            name: Some(args.name),
            organizational_unit: args.unit,
            password_reset_guid_channel: Some("RESPONSE".to_owned()),
            roles: Some(List(args.roles)),
            user_name: Some(user_name.clone()),
            ..Default::default()
        }),
    };
    let response = request.create(cx).map_err(explain)?;
    let mut fields = vec![("user_name", json!(user_name))];
    if let Some(password) = password {
        set_by_operator(cx, &user_name, &password, None).map_err(explain)?;
        fields.push(("status", json!("ACTIVE")));
    } else {
        let token = response.params.0.first().map(|p| p.value.clone());
        fields.push(("status", json!("UNACTIVATED")));
        fields.push(("password_reset_token", json!(token)));
    }
    output.record(&fields)
}

fn show(cx: &RequestContext<'_>, output: Output, user_name: &str) -> io::Result<()> {
    let Some(user) = cx.app.store.read(|c| users::by_name(c, user_name))? else {
        return fail(format!("there is no user {user_name:?}"));
    };
    let memberships = cx
        .app
        .store
        .read(|c| organisations::memberships(c, user.id))?;
    let member_of: Vec<_> = memberships.into_iter().map(|m| m.uuid).collect();
    output.record(&[
        ("user_id", json!(user.id)),
        ("uuid", json!(user.uuid)),
        ("user_name", json!(user.user_name)),
        ("name", json!(user.name)),
        ("email", json!(user.email)),
        ("client_name", json!(user.client_name)),
        ("organizational_unit", json!(user.organizational_unit)),
        ("status", json!(user.status.as_str())),
        ("roles", json!(user.roles)),
        ("organisations", json!(member_of)),
        ("has_password", json!(user.password_hash.is_some())),
    ])
}

fn find(cx: &RequestContext<'_>, output: Output, args: FindArgs) -> io::Result<()> {
    let request = FindUsersRequest {
        limit: Number(Some(i64::from(args.limit))),
        offset: Number(Some(i64::from(args.offset))),
        user_name: args.user_name,
        name: args.name,
        email: args.email,
        statuses: List(args.statuses),
        ..Default::default()
    };
    let found = request.find(cx).map_err(explain)?;
    output.table(&COLUMNS, &found.users.0)
}

const COLUMNS: [Column<FlatUser>; 6] = [
    ("user_name", |user| json!(user.user_name)),
    ("name", |user| json!(user.name)),
    ("email", |user| json!(user.email)),
    ("client_name", |user| json!(user.client_name)),
    ("status", |user| json!(user.status)),
    ("roles", |user| json!(user.roles.0)),
];

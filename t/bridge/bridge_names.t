#!/usr/bin/perl

# A login's name is made canonical before anything is looked up.  So the server
# of an account is always the same, and a password opens an account only if
# that server accepts it for the account's name.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;

my $t = Pimap->new();
$t->plan(20);
$t->redis()->start();

my $dir = $t->dir();

# Two servers with passwords of their own, in one Dovecot with two addresses.
# It keeps the case of names, as some servers do.

users('127.0.0.1', 'alice@example.com:first', 'Alice@example.com:third',
    "\xc3\xa4lice\@example.com:fourth");
users('127.0.0.2', map({ "$_:second" } 'alice@example.com',
    'alice@EXAMPLE.COM', 'ALICE@EXAMPLE.COM', 'bob', 'al ice'));

my $both = <<'END';
auth_username_chars =
auth_master_user_separator = *
auth_failure_delay = 0

service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
END

my $quick = "auth_failure_delay = 0\nauth_username_chars =\n"
    . "auth_verbose = yes\nservice anvil {\n"
    . "  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\n";
my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none', master => 1,
    listen => '127.0.0.1, 127.0.0.2',
    main => { '2.3' => $quick . <<"END", '2.4' => $quick . <<"END" });
auth_username_format = %u

passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u $dir/users.%l
}
END
auth_username_format = %{user}

passdb passwd-file {
  passwd_file_path = $dir/users.%{local_ip}
  default_password_scheme = PLAIN
}
END

$dovecot->start();

my $port = 'tls = "off"; port = ' . $t->port('imap') . ';';
my $bridge = Pimap::Bridge->new(t => $t, auth => 'delay = "0s";',
    servers => "{ name = \"one\"; host = \"127.0.0.1\"; $port
        match = \"*\@Example.com*\"; master_user = \"boss\";
        master_password = \"boss\"; master_separator = \"*\"; },
        { name = \"two\"; host = \"127.0.0.2\"; $port }")->start();

# The name of the account is in each request to the server

is(login('alice@example.com', 'first'), 'alice@example.com',
    'the first server has the account');
is(login('ALICE@EXAMPLE.COM', 'first'), 'alice@example.com',
    'the name in upper case: the same account at the same server');
is(login($_, 'second'), 401, "$_: the other server's password: 401")
    for 'alice@EXAMPLE.COM', 'ALICE@EXAMPLE.COM', 'alice@example.com';
is(login('Alice@example.com', 'third'), 401,
    'another user of the server, by case: 401');
is(login('bob', 'second'), 'bob', 'the other server has its own accounts');
is(login('BOB', 'second'), 'bob', '    in any case');
unlike($dovecot->log(), qr/\b(?:BOB|ALICE|Alice)\b/,
    'no server was asked for a name in upper case');

# Letters beyond ASCII are the server's business

is(login("\xc3\xa4lice\@example.com", 'fourth'),
    "\xc3\xa4lice\@example.com", 'a letter that is not ASCII');
is(login("\xc3\x84lice\@example.com", 'fourth'), 401,
    '    another one is another name');
is(login("a\xcc\x88lice\@example.com", 'fourth'), 401,
    '    composed in another way: likewise');

# A header would lose a space at its end

is(login($_, 'second'), 401, "a space in \"$_\": 401") for 'bob ', ' bob',
    'al ice';

# The master user is the bridge's, and no device tries its password.

is(login("$_*boss", 'boss'), 401, "$_*boss: 401") for 'alice@example.com',
    'x@example.com';
unlike($dovecot->log(), qr/\*?boss/, '    the server was not asked');

# lowercase = false: names are as they were given.

$bridge->{auth} .= ' lowercase = false;';
ok($bridge->reload(), 'lowercase = false');
is(login('Alice@Example.com', 'third') . ' '
    . login('alice@EXAMPLE.COM', 'second'), '401 alice@EXAMPLE.COM',
    '    names and patterns are compared byte for byte');

$bridge->stop();


sub users {
    my ($name, @users) = @_;

    $t->write_file("$dir/users.$name", join('', map { "$_\n" } @users));
    chmod(0644, "$dir/users.$name");
}


sub login { return $bridge->auth(@_) }

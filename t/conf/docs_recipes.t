#!/usr/bin/perl

# The recipes of docs/setup.md: with the settings of the bridge and of Dovecot,
# a master user watches a mailbox by TLS, without a login of its user.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;
use Pimap::Page;

my $t = Pimap->new(http => 'pimap_presence on;');
my $dir = $t->dir();
my ($page) = grep { $_->name() eq 'docs/setup.md' }
    Pimap::Page->all($t->root());
my ($watch, $domains) = map { $_->{text} } $page->blocks('bridge');
my ($cert) = $t->certificate();

$t->plan(5);

make_files();

my $version = ($ENV{PIMAP_DOVECOT} // Pimap::Dovecot->system_version())
    =~ s/\.//r;
my ($master) = map { $_->{text} } $page->blocks("dovecot$version");

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none', tls => 1,
    main => with_paths($master))->start();
my $bridge = Pimap::Bridge->new(t => $t, kept => 1);
my $port = $t->port('imap');

# Several domains

settings($domains);
my ($accepted, $output) = $bridge->check();

ok($accepted, 'several domains: the bridge takes the settings')
    or diag($output);

# A mail server that can't publish

$t->run();
settings($watch =~ s/"imap\.example\.com";/"127.0.0.1"; port = $port;/r);
$bridge->start();

my $device = $t->park('alice');

ok($device->read_until(qr/^event: parked\n.*\n\n/m), 'a device is parked');
ok($bridge->watches(1), '    its account is watched');
like($dovecot->log(), qr/user=<alice>,.* TLS/, '    by TLS');

$dovecot->deliver(to => 'alice', subject => 'Lunch');
is($device->event()->{json}{subject}, 'Lunch', 'mail is an event');
$bridge->stop();


sub with_paths {
    my ($text) = @_;

    $text =~ s{/etc/pimap/ca\.pem}{$cert}g;
    $text =~ s{/etc/}{$dir/etc/}g;

    return $text;
}


# By the commands of the page; the test has one user, and no groups

sub make_files {
    my ($commands) = map { $_->{text} }
        $page->blocks('sh', "A mail server that can't publish");

    $commands = with_paths($commands);
    $commands =~ s/-m 640 -g \S+/-m 644/g;

    system('mkdir', '-p', map { "$dir/etc/$_" } qw(dovecot pimap)) == 0
        or die "mkdir\n";
    $t->write_file("$dir/step", $commands);
    system('sh', '-e', "$dir/step") == 0 or die "setup.md: files\n";
}


sub settings {
    my ($text) = @_;

    my $socket = $t->redis()->socket();

    $text = with_paths($text);
    $text =~ s/redis = \{ host = "127.0.0.1"/redis = { host = "$socket"/;

    $t->write_file($bridge->file(), "log = \"$dir/bridge.log\";\n"
        . "log_level = \"info\";\n"
        . 'listen = "127.0.0.1:' . $bridge->port() . "\";\n$text");
}

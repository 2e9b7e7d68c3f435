package Pimap::Dovecot;

# A Dovecot of the test's own, every process of it under one ordinary account:
# the one that runs the tests, or "nobody" if that is root.  It is the system's
# 2.3 or 2.4.  Beside 2.3, PIMAP_DOVECOT=2.4 takes that of misc/debian13.

use strict;
use warnings;

use parent qw(Pimap::MailServer);

use Pimap::DovecotConf;
use Pimap::Process qw(wait_for);


# t => the test; driver => "lua", "ox" or "none"; url => of the publish
# location; state => the script's file, if wanted; hasty => 1: it gives up as
# soon as integrations/dovecot says, however busy the machine is; time => with
# it, the script's pimap_timeout
# master => 1, the master user of Pimap::Bridge; capability => instead of
# Dovecot's own; tls => 1, with the test's certificate; imap, main => further
# lines of "protocol imap", and of the file, or { '2.3' => ..., '2.4' => ... }

sub new {
    my ($class, %set) = @_;

    my ($uid, $gid) = $> == 0 ? (getpwnam('nobody'))[2, 3] : ($>, $) + 0);

    my $system = system_version();
    my $self = bless({ driver => 'lua', imap => '', main => '', uid => $uid,
        gid => $gid, version => $ENV{PIMAP_DOVECOT} // $system, %set },
        $class);

    $self->{other} = $self->{version} ne $system;

    for my $lines (@{$self}{qw(imap main)}) {
        $lines = $lines->{$self->{version}} // '' if ref($lines);
    }

    return $self;
}


# "2.3" or "2.4"

sub system_version {
    my ($version) = qx(dovecot --version) =~ /^(\d+\.\d+)/
        or die "there is no dovecot\n";

    return $version;
}


sub start {
    my ($self) = @_;

    my $t = $self->{t};
    my $dir = $self->{dir} = $t->dir() . '/dovecot';

    mkdir($dir) or die "$dir: $!\n" if !-d $dir;
    $t->write_file("$dir/dovecot.conf", Pimap::DovecotConf->text($self));

    # It may have no access to the current directory, such as /root.
    $t->write_file("$dir/pimap.lua",
        $t->read_file($t->root() . '/integrations/dovecot/pimap.lua'));
    chown($self->{uid}, $self->{gid}, $dir);

    $self->{process} = $t->start(output => $t->dir() . '/dovecot.out',
        name => 'dovecot',
        command => [$self->_as(), '/usr/sbin/dovecot', '-F', '-c',
            "$dir/dovecot.conf"]);

    my $ready = wait_for(sub { eval { $self->imap()->logout() }
        || !$self->{process}->running() });

    return $self if $ready && $self->{process}->running();

    die "dovecot $self->{version} does not start: ", $self->log(),
        $t->read_file($t->dir() . '/dovecot.out');
}


# The words before its command.

sub _as {
    my ($self) = @_;

    my ($t, $uid, $gid) = @{$self}{qw(t uid gid)};

    return ($t->root() . '/misc/debian13', 'run', 'dovecot', $t->dir(), $uid,
        $gid) if $self->{other};

    return $> == 0 ? ('setpriv', '--reuid', $uid, '--regid', $gid,
        '--clear-groups') : ();
}


sub log  { $_[0]{t}->read_file("$_[0]{dir}/log") }


1;

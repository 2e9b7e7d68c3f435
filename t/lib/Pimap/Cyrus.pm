package Pimap::Cyrus;

# A Cyrus IMAP of the test's own, by the interface of Pimap::Dovecot, every
# process of it under one ordinary account.  Debian's package can't be
# installed beside Dovecot: misc/deps unpacks it into build/debian.
#
# Its errors go to syslog only; "ctl_mboxlist -C imapd.conf -d" reports errors
# in the settings.

use strict;
use warnings;

use parent qw(Pimap::MailServer);

use Pimap::Process qw(wait_for);


# t => the test; imapd => further lines of imapd.conf, as suppress_capabilities
# dav => name of a port: with httpd, there; modules => of httpd
# notify => program that notifyd calls for each notification

sub new {
    my ($class, %set) = @_;

    my $uid = $> == 0 ? getpwnam('nobody') : $>;

    return bless({ imapd => '', modules => 'caldav carddav',
        uid => $uid, gid => (getpwuid($uid))[3],
        root => $set{t}->root() . '/build/debian/usr', %set }, $class);
}


sub start {
    my ($self) = @_;

    my $t = $self->{t};
    my $dir = $self->{dir} = $t->dir() . '/cyrus';

    -x "$self->{root}/lib/cyrus/bin/imapd"
        or die "no Cyrus in $self->{root}: run misc/deps\n";

    for my $sub ('', qw(/conf /conf/socket /spool /run)) {
        mkdir("$dir$sub") if !-d "$dir$sub";
        chown($self->{uid}, $self->{gid}, "$dir$sub");
    }

    $t->write_file("$dir/imapd.conf", $self->_imapd_conf());
    $t->write_file("$dir/cyrus.conf", $self->_cyrus_conf());

    my @as = $> == 0 ? ('setpriv', '--reuid', $self->{uid}, '--regid',
        $self->{gid}, '--clear-groups') : ();

    $self->{process} = $t->start(output => $t->dir() . '/cyrus.out',
        env => { LD_LIBRARY_PATH => glob("$self->{root}/lib/*-linux-gnu") },
        command => [@as, "$self->{root}/lib/cyrus/bin/master",
            '-C', "$dir/imapd.conf", '-M', "$dir/cyrus.conf",
            '-p', "$dir/run/master.pid"]);

    wait_for(sub { eval { $self->imap('cyrus')->logout() } })
        or die 'cyrus does not start: '
            . $t->read_file($t->dir() . '/cyrus.out');

    return $self;
}


# The master should end the other processes, but sometimes loops when it is
# told to end (3.6.1).

sub stop { $_[0]->kill('TERM') }


sub kill {
    my ($self, $signal) = @_;

    my $process = $self->{process};

    if ($signal) {
        CORE::kill($signal, -$process->pid());
        wait_for(sub { !$process->running() && !$process->group() }, 2);
    }

    $self->SUPER::kill();
}


# A mailbox's name here is that of its owner's INBOX.

sub add {
    my ($self, @users) = @_;

    my $admin = $self->imap('cyrus');

    $admin->command("CREATE user/$_") for @users;
    $admin->logout();

    return $self;
}


sub _imapd_conf {
    my ($self) = @_;

    my $dir = $self->{dir};

    return <<"END";
configdirectory: $dir/conf
partition-default: $dir/spool
defaultpartition: default
cyrus_user: @{[ scalar(getpwuid($self->{uid})) ]}
cyrus_group: @{[ scalar(getgrgid($self->{gid})) ]}
admins: cyrus
servername: localhost
sasl_pwcheck_method: alwaystrue
sasl_mech_list: PLAIN
allowplaintext: yes
virtdomains: off
unixhierarchysep: yes
altnamespace: yes
lmtpsocket: $dir/run/lmtp
idlesocket: $dir/run/idle
httpmodules: $self->{modules}
@{[ $self->{notify} ? "event_notifier: external\nnotify_external: "
    . $self->{notify} : '' ]}
$self->{imapd}
END
}


sub _cyrus_conf {
    my ($self) = @_;

    my ($t, $dir) = @{$self}{qw(t dir)};
    my $bin = "$self->{root}/lib/cyrus/bin";

    # an entry is a line

    my %service = map { my ($name, $command) = @$_; $name =>
        "  $name cmd=\"$bin/$command -C $dir/imapd.conf\" proto=\"tcp4\""
        . " listen=\"127.0.0.1:@{[ $t->port($name) ]}\" prefork=0\n"
    } ['imap', 'imapd'], ['lmtp', 'lmtpd -a'],
        $self->{dav} ? [$self->{dav}, 'httpd'] : ();

    my $services = join('', map { $service{$_} } sort keys %service);

    $services .= "  notify cmd=\"$bin/notifyd -C $dir/imapd.conf -m external\""
        . " listen=\"$dir/conf/socket/notify\" proto=\"udp\" prefork=1\n"
        if $self->{notify};

    return <<"END";
START {
  recover cmd="$bin/ctl_cyrusdb -C $dir/imapd.conf -r"
}
SERVICES {
$services}
DAEMON {
  idled cmd="$bin/idled -C $dir/imapd.conf"
}
EVENTS {
}
END
}


1;
